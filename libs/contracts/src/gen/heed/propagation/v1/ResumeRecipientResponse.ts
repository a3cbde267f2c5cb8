export interface ResumeRecipientResponse {
}

export interface ResumeRecipientResponse__Output {
}
