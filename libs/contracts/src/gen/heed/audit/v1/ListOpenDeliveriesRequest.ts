export interface ListOpenDeliveriesRequest {
  'recipientId'?: (string);
  'waitReason'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
  'ownerRole'?: (string);
}

export interface ListOpenDeliveriesRequest__Output {
  'recipientId': (string);
  'waitReason': (string);
  'pageSize': (number);
  'pageToken': (string);
  'ownerRole': (string);
}
