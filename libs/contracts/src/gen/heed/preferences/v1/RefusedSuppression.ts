import type { Long } from '@grpc/proto-loader';

export interface RefusedSuppression {
  'index'?: (number | string | Long);
  'description'?: (string);
}

export interface RefusedSuppression__Output {
  'index': (number);
  'description': (string);
}
