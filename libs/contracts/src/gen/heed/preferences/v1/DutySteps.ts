export interface DutySteps {
  'refused'?: (string)[];
  'granted'?: (string)[];
  'erased'?: (string)[];
}

export interface DutySteps__Output {
  'refused': (string)[];
  'granted': (string)[];
  'erased': (string)[];
}
