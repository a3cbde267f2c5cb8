import type { TimelineEntry as _heed_audit_v1_TimelineEntry, TimelineEntry__Output as _heed_audit_v1_TimelineEntry__Output } from '../../../heed/audit/v1/TimelineEntry.ts';

export interface ListSubjectTimelineResponse {
  'entries'?: (_heed_audit_v1_TimelineEntry)[];
  'nextPageToken'?: (string);
}

export interface ListSubjectTimelineResponse__Output {
  'entries': (_heed_audit_v1_TimelineEntry__Output)[];
  'nextPageToken': (string);
}
