export { mailchimp } from './connector.ts'
export type { Audience, MailchimpSettings } from './settings.ts'
