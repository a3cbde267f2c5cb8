export interface ExportEvidenceResponse {
  'chunk'?: (Buffer | Uint8Array | string);
  'progress'?: (number | string);
}

export interface ExportEvidenceResponse__Output {
  'chunk': (Buffer);
  'progress': (number);
}
