// Bundled beside the command: `heed trail audit` runs it as two threads.
import '@heed/trail/audit-thread'
