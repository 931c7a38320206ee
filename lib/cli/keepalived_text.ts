/** What `keepalived -v`, `-h` and `--signum` print. */

import { VERSION } from "./version.ts";

/** The keepalived whose configuration language and options these are. */
const PARITY = "2.4.0";

/**
 * Programs that watch keepalived look for its version in the first line; people find in the second
 * what it really is.
 */
export function versionText(): string {
  return [
    `Keepalived v${PARITY} (vigie ${VERSION})`,
    "",
    `vigie ${VERSION}, called as keepalived: it takes the options and the configuration of ` +
    `keepalived ${PARITY}, and is another program.`,
    `Running on Linux ${Deno.osRelease()}`,
    "",
    "Config options:  VRRP VRRP_AUTH",
    "",
  ].join("\n");
}

/** Signals by the name that --signum takes; real-time ones as glibc numbers them (SIGRTMIN is 34). */
export const SIGNAL_FUNCTIONS: Readonly<Record<string, number>> = {
  STOP: 15,
  RELOAD: 1,
  DATA: 10,
  STATS: 12,
  STATS_CLEAR: 63,
  JSON: 36,
};

/** The usage, in keepalived's form. */
export const USAGE = `Usage: keepalived [OPTION...]
  -f, --use-file=FILE          Use the specified configuration file
                                default '/etc/keepalived/keepalived.conf'
  -l, --log-console            Log messages to local console
  -S, --log-facility=([0-7]|local[0-7]|user|daemon)
                               Set syslog facility to LOG_LOCAL[0-7], user or daemon (default)
  -g, --log-file=FILE          Also log to FILE
  -G, --no-syslog              Don't log via syslog
  -u, --umask=MASK             umask for file creation (in numeric form)
  -i, --config-id=ID           Keep the lines behind @ID; default the host name up to a dot
  -e, --all-config             Every included file must be there and be readable
  -n, --dont-fork              Don't fork the daemon process
  -p, --pid=FILE               Use specified pidfile for parent process
  -r, --vrrp_pid=FILE          Use specified pidfile for VRRP child process
  -s, --namespace=NAME         Run in network namespace NAME
      --signum=SIGFUNC         Return signal number for STOP, RELOAD, DATA, STATS, STATS_CLEAR, JSON
  -t, --config-test[=LOG_FILE] Check the configuration for obvious errors, output to
                                stderr by default
  -v, --version                Display the version number
  -h, --help                   Display this help message

Accepted, nothing to do: -P -B -D -X --vrrp --no_bfd --log-detail --release-vips
                         --flush-log-file
Accepted, and said to have no effect: -I -R -V -a -b -c -d -m -M -x -A --dont-release-ipvs
                         --dont-respawn --dont-release-vrrp --address-monitoring --bfd_pid
                         --checkers_pid --dump-conf --core-dump --core-dump-pattern
                         --snmp --snmp-agent-socket --all --perf --debug --no-mem-check
Declined: -C -T --check --genhash
`;
