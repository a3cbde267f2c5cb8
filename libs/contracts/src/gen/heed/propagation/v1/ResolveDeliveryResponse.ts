export interface ResolveDeliveryResponse {
}

export interface ResolveDeliveryResponse__Output {
}
