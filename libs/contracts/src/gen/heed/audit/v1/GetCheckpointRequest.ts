import type { Long } from '@grpc/proto-loader';

export interface GetCheckpointRequest {
  'size'?: (number | string | Long);
  'witnessed'?: (boolean);
}

export interface GetCheckpointRequest__Output {
  'size': (number);
  'witnessed': (boolean);
}
