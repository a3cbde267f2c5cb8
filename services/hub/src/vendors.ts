import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connections, SandboxOptions } from '@heed/sandbox'
import { feedPartners, feedVariables } from './feed-partners.ts'

/** The vendors as the policy file names them: accounts, partners and ids are the ones that its recipients are configured with. */
export function sandboxOptions(options: { readonly port: number; readonly dataDir: string }): SandboxOptions {
  return {
    port: options.port,
    dataDir: join(options.dataDir, 'sandbox'),
    mailchimp: {
      audiences: [
        {
          id: 'l-marketing',
          name: 'Marketing',
          interests: ['newsletter', 'offers', 'events', 'surveys'].map((name) => ({ id: `i-${name}`, name })),
        },
      ],
    },
    hashedEmail: {
      partners: [
        { name: 'heed-select-partners', profile: 'plain-sha256-hex' },
        { name: 'heed-cross-device', profile: 'uid2-sha256-b64' },
      ],
    },
    s3: { partners: [{ name: 'heed-share', profile: 'plain-sha256-hex' }] },
    liveramp: { organisations: ['ORG-HEED'] },
    liveintent: { advertisers: [4711] },
    optizmo: { lists: [{ id: '901fad4c46a1e723', name: 'Opt-outs' }] },
    supplierFeed: feedPartners,
  }
}

/** The variables that the policy file's recipients are configured by, for vendors that are played here. A credential that its vendor renews stands in a file of the data folder. */
export function vendorEnvironment(connections: Connections, dataDir: string): Record<string, string> {
  const {
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
  } = connections
  const microsoftToken = join(dataDir, 'microsoft-refresh-token')
  // who is played begins each run with its first token, whatever it gave out before
  writeFileSync(microsoftToken, microsoft.refreshToken, { mode: 0o600 })
  const partner = (name: string): Record<string, string> => ({
    [`${name}_SFTP_HOST`]: hashedEmail.host,
    [`${name}_SFTP_PORT`]: String(hashedEmail.port),
    [`${name}_SFTP_KEY`]: hashedEmail.clientKey.privateKey,
    [`${name}_SFTP_HOST_KEYS`]: hashedEmail.hostKeySha256,
  })
  return {
    MAILCHIMP_BASE_URL: mailchimp.url,
    MAILCHIMP_API_KEY: mailchimp.apiKey,
    ...partner('SELECT_PARTNERS'),
    ...partner('CROSS_DEVICE'),
    GOOGLE_DATA_MANAGER_BASE_URL: googleDataManager.url,
    GOOGLE_DATA_MANAGER_TOKEN_URL: googleDataManager.tokenUrl,
    GOOGLE_DATA_MANAGER_CREDENTIAL: googleDataManager.serviceAccountKey,
    GOOGLE_DATA_MANAGER_FIRST_POLL_SECONDS: '2',
    GOOGLE_ANALYTICS_ADMIN_BASE_URL: googleAnalytics.url,
    GOOGLE_ANALYTICS_TOKEN_URL: googleAnalytics.tokenUrl,
    GOOGLE_ANALYTICS_CREDENTIAL: googleAnalytics.serviceAccountKey,
    META_GRAPH_BASE_URL: meta.url,
    META_ADS_TOKEN: meta.accessToken,
    LINKEDIN_BASE_URL: linkedin.url,
    LINKEDIN_TOKEN_URL: linkedin.tokenUrl,
    LINKEDIN_CLIENT_ID: linkedin.clientId,
    LINKEDIN_CLIENT_SECRET: linkedin.clientSecret,
    LINKEDIN_REFRESH_TOKEN: linkedin.refreshToken,
    X_ADS_BASE_URL: x.url,
    X_ADS_CONSUMER_KEY: x.consumerKey,
    X_ADS_CONSUMER_SECRET: x.consumerSecret,
    X_ADS_ACCESS_TOKEN: x.token,
    X_ADS_ACCESS_TOKEN_SECRET: x.tokenSecret,
    X_ADS_COLLECT_MINUTES: '0',
    MICROSOFT_ADS_BASE_URL: microsoft.url,
    MICROSOFT_ADS_TOKEN_URL: microsoft.tokenUrl,
    MICROSOFT_ADS_CLIENT_ID: microsoft.clientId,
    MICROSOFT_ADS_CLIENT_SECRET: microsoft.clientSecret,
    MICROSOFT_ADS_DEVELOPER_TOKEN: microsoft.developerToken,
    MICROSOFT_ADS_REFRESH_TOKEN_FILE: microsoftToken,
    // for partners that a policy may name beside those of ours: an entry there suffices
    SHARE_S3_ENDPOINT: s3.url,
    SHARE_S3_REGION: s3.region,
    SHARE_S3_ACCESS_KEY_ID: s3.accessKeyId,
    SHARE_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    LIVERAMP_BASE_URL: liveramp.url,
    LIVERAMP_TOKEN_URL: liveramp.tokenUrl,
    LIVERAMP_ORGANISATION: liveramp.organisation,
    LIVERAMP_ACCOUNT_ID: liveramp.accountId,
    LIVERAMP_SECRET_KEY: liveramp.secretKey,
    LIVEINTENT_BASE_URL: liveintent.url,
    LIVEINTENT_TOKEN: liveintent.token,
    OPTIZMO_BASE_URL: optizmo.url,
    OPTIZMO_API_KEY: optizmo.apiKey,
    ...feedVariables(supplierFeed),
    // who is played answers at once, and nobody wants to wait a quarter of an hour to see it
    SHARE_COLLECT_SECONDS: '0.2',
    SHARE_ACK_POLL_SECONDS: '1',
    PARTNER_POLL_SECONDS: '1',
  }
}
