export interface ListRecipientStatusRequest {
}

export interface ListRecipientStatusRequest__Output {
}
