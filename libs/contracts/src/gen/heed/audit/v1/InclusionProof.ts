import type { Long } from '@grpc/proto-loader';

export interface InclusionProof {
  'sequence'?: (number | string | Long);
  'leafHash'?: (Buffer | Uint8Array | string);
  'hashes'?: (Buffer | Uint8Array | string)[];
}

export interface InclusionProof__Output {
  'sequence': (number);
  'leafHash': (Buffer);
  'hashes': (Buffer)[];
}
