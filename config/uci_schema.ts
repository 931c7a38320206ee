/** What OpenWrt's /etc/config/keepalived may hold: section types, their options, what refers to what. */

/**
 * How an option is written. `value`: one value. `switch`: uci's yes or no. `flag`: present turns it
 * on, unless it is one of uci's words for no. `list`: several values. `sync`: belongs to the
 * keepalived-sync package, which reads it itself.
 */
export type UciKind = "value" | "switch" | "flag" | "list" | "sync";

/** One section type: its options by kind, as words separated by blanks. */
export interface UciType {
  readonly options: Readonly<Partial<Record<UciKind, string>>>;
  /** Whether others refer to it by its `option name`, so that it must have one. */
  readonly isNamed: boolean;
}

/** The section types of the package, and `track_script`, which earlier releases of it have. */
export const UCI_TYPES: Readonly<Record<string, UciType>> = {
  globals: {
    isNamed: false,
    options: {
      switch: "enabled linkbeat_use_polling",
      value: "alt_config_file notification_email_from smtp_server smtp_connect_timeout router_id " +
        "vrrp_mcast_group4 vrrp_mcast_group6 vrrp_startup_delay",
      list: "notification_email",
    },
  },
  ipaddress: {
    isNamed: true,
    options: { value: "name address device scope label_suffix" },
  },
  route: {
    isNamed: true,
    options: {
      value: "name address src_addr gateway device scope table",
      switch: "blackhole",
    },
  },
  static_ipaddress: { isNamed: false, options: { list: "address" } },
  static_routes: { isNamed: false, options: { list: "route" } },
  interface_up_down_delays: {
    isNamed: false,
    options: { value: "device down_delay up_delay" },
  },
  vrrp_script: {
    isNamed: true,
    options: { value: "name script interval weight fall rise timeout direction" },
  },
  track_script: { isNamed: true, options: { value: "name value weight direction" } },
  track_interface: { isNamed: true, options: { value: "name value weight" } },
  bfd_instance: {
    isNamed: true,
    options: {
      value: "name neighbor_ip source_ip min_rx min_tx idle_tx hoplimit max_hops weight",
    },
  },
  peer: {
    isNamed: true,
    options: {
      value: "name address min_ttl max_ttl",
      sync: "sync sync_mode sync_dir sync_list ssh_key ssh_port ssh_pubkey last_sync_time " +
        "last_sync_status",
    },
  },
  vrrp_sync_group: {
    isNamed: true,
    options: { value: "name", list: "group track_script", flag: "smtp_alert global_tracking" },
  },
  vrrp_instance: {
    isNamed: true,
    options: {
      value: "name state interface mcast_src_ip unicast_src_ip virtual_router_id version " +
        "priority advert_int preempt_delay debug lvs_sync_daemon_interface garp_master_delay " +
        "garp_master_refresh garp_master_repeat garp_master_refresh_repeat auth_type auth_pass",
      flag: "vmac_xmit_base native_ipv6 accept no_accept dont_track_primary smtp_alert " +
        "nopreempt use_vmac",
      list: "virtual_ipaddress virtual_ipaddress_excluded virtual_routes track_script " +
        "track_interface track_bfd unicast_peer",
    },
  },
  virtual_server: {
    isNamed: false,
    options: {
      switch: "enabled",
      value: "ipaddr port fwmark delay_loop lb_algo lb_kind persistence_timeout " +
        "persistence_granularity virtualhost protocol sorry_server_ip sorry_server_port",
      list: "real_server",
    },
  },
  real_server: {
    isNamed: true,
    options: {
      switch: "enabled",
      value: "name weight ipaddr port check connect_timeout connect_port misc_path " +
        "nb_get_retry delay_before_retry",
      list: "url",
    },
  },
  url: { isNamed: true, options: { value: "name path digest" } },
};

/** Section types under the names that the package's first releases gave them. */
export const UCI_OLD_TYPES: Readonly<Record<string, string>> = { global_defs: "globals" };

/** The kinds of a type's options, by name. */
export function uciOptions(type: UciType): ReadonlyMap<string, UciKind> {
  return new Map(
    Object.entries(type.options).flatMap(([kind, names]) =>
      names.split(" ").map((name) => [name, kind as UciKind] as const)
    ),
  );
}

/** What uci takes for yes and for no (config_get_bool of OpenWrt's functions.sh). */
export const UCI_YES: ReadonlySet<string> = new Set(["1", "on", "true", "yes", "enabled"]);
/** The other half. */
export const UCI_NO: ReadonlySet<string> = new Set(["0", "off", "false", "no", "disabled"]);
