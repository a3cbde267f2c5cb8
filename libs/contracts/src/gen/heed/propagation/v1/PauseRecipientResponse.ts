export interface PauseRecipientResponse {
}

export interface PauseRecipientResponse__Output {
}
