import type { PlannedDelivery as _heed_preferences_v1_PlannedDelivery, PlannedDelivery__Output as _heed_preferences_v1_PlannedDelivery__Output } from '../../../heed/preferences/v1/PlannedDelivery.ts';

export interface PlanChangeResponse {
  'wouldChange'?: (boolean);
  'deliveries'?: (_heed_preferences_v1_PlannedDelivery)[];
}

export interface PlanChangeResponse__Output {
  'wouldChange': (boolean);
  'deliveries': (_heed_preferences_v1_PlannedDelivery__Output)[];
}
