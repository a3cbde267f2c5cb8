// Bundled beside the command: `heed trail audit` runs it as a thread.
import '@heed/trail/origins-thread'
