import type { Long } from '@grpc/proto-loader';

export interface WaitCount {
  'reason'?: (string);
  'count'?: (number | string | Long);
}

export interface WaitCount__Output {
  'reason': (string);
  'count': (number);
}
