import type { Long } from '@grpc/proto-loader';

export interface ProveConsistencyRequest {
  'oldSize'?: (number | string | Long);
  'newSize'?: (number | string | Long);
}

export interface ProveConsistencyRequest__Output {
  'oldSize': (number);
  'newSize': (number);
}
