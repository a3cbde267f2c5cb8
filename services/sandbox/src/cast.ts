import { googleAnalytics } from './google-analytics/index.ts'
import { googleDataManager } from './google-data-manager/index.ts'
import { hashedEmail } from './hashed-email/index.ts'
import { linkedin } from './linkedin/index.ts'
import { liveintent } from './liveintent/index.ts'
import { liveramp } from './liveramp/index.ts'
import { mailchimp } from './mailchimp/index.ts'
import { meta } from './meta/index.ts'
import { microsoft } from './microsoft/index.ts'
import { optizmo } from './optizmo/index.ts'
import { s3 } from './s3/index.ts'
import { supplierFeed } from './supplier-feed/index.ts'
import { x } from './x/index.ts'

/** Every vendor that is played, by the key under which code finds it. A new vendor is a folder and a line here. */
export const cast = {
  mailchimp,
  hashedEmail,
  googleDataManager,
  googleAnalytics,
  meta,
  linkedin,
  x,
  microsoft,
  s3,
  liveramp,
  liveintent,
  optizmo,
  supplierFeed,
}

export type CastKey = keyof typeof cast

/** The vendor's name in addresses and options, e.g. `hashed-email`. */
export type VendorName = (typeof cast)[CastKey]['name']

/** How each vendor is set up, by its key. */
export type CastOptions = { [Key in CastKey]?: Parameters<(typeof cast)[Key]['play']>[1] }

/** What each vendor offers to code, by its key. */
export type CastApis = { [Key in CastKey]: Awaited<ReturnType<(typeof cast)[Key]['play']>>['api'] }
