import type { Long } from '@grpc/proto-loader';

export interface ProveInclusionRequest {
  'sequences'?: (number | string | Long)[];
  'treeSize'?: (number | string | Long);
}

export interface ProveInclusionRequest__Output {
  'sequences': (number)[];
  'treeSize': (number);
}
