export interface KeptAfterErasure {
  'what'?: (string);
  'why'?: (string);
}

export interface KeptAfterErasure__Output {
  'what': (string);
  'why': (string);
}
