import type { EntryChange as _heed_propagation_v1_EntryChange, EntryChange__Output as _heed_propagation_v1_EntryChange__Output } from '../../../heed/propagation/v1/EntryChange.ts';
import type { AspectDifference as _heed_propagation_v1_AspectDifference, AspectDifference__Output as _heed_propagation_v1_AspectDifference__Output } from '../../../heed/propagation/v1/AspectDifference.ts';
import type { Long } from '@grpc/proto-loader';

export interface EntryDifference {
  'id'?: (string);
  'title'?: (string);
  'change'?: (_heed_propagation_v1_EntryChange);
  'differences'?: (_heed_propagation_v1_AspectDifference)[];
  'toldAnew'?: (boolean);
  'subjects'?: (number | string | Long);
}

export interface EntryDifference__Output {
  'id': (string);
  'title': (string);
  'change': (_heed_propagation_v1_EntryChange__Output);
  'differences': (_heed_propagation_v1_AspectDifference__Output)[];
  'toldAnew': (boolean);
  'subjects': (number);
}
