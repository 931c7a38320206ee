/**
 * Every keyword of keepalived 2.4, by block and area, so that none is called unknown.
 * Derived from the keyword installation calls of its parsers. A "{" behind a keyword: it opens a
 * block. The blocks whose names end in "entry" or "option" list the words of a line.
 */

/** Parts of keepalived, as its keywords divide them. */
export type Area =
  | "address-route"
  | "bfd"
  | "checker"
  | "core"
  | "dbus"
  | "ipvs"
  | "nftables-iptables"
  | "notify"
  | "obsolete"
  | "process"
  | "smtp"
  | "snmp"
  | "track"
  | "vmac"
  | "vrrp";

/** Words separated by blanks, by block and area. */
export const KEEPALIVED_KEYWORDS: Readonly<
  Record<string, Readonly<Partial<Record<Area, string>>>>
> = {
  root: {
    obsolete: "linkbeat_use_polling linkbeat_interfaces{ vrrp_track_file{",
    core: "net_namespace use_pid_dir instance global_defs{",
    ipvs: "net_namespace_ipvs virtual_server_group{ virtual_server{",
    "nftables-iptables": "namespace_with_ipsets",
    process: "child_wait_time",
    "address-route": "track_group{ static_ipaddress{ static_routes{ static_rules{",
    vrrp: "vrrp_sync_group{ garp_group{ vrrp_instance{",
    track: "vrrp_script{ vrrp_track_process{ interface_up_down_delays{ track_file{",
    checker: "SSL{",
    bfd: "bfd_instance{",
  },
  global_defs: {
    process: "process_names process_name vrrp_process_name checker_process_name bfd_process_name " +
      "max_auto_priority min_auto_priority_delay vrrp_priority vrrp_no_swap " +
      "vrrp_rt_priority vrrp_cpu_affinity vrrp_rlimit_rttime checker_priority " +
      "checker_no_swap checker_rt_priority checker_cpu_affinity checker_rlimit_rttime " +
      "bfd_priority bfd_no_swap bfd_rt_priority bfd_cpu_affinity bfd_rlimit_rttime " +
      "vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force " +
      "vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force " +
      "process_monitor_rcv_bufs process_monitor_rcv_bufs_force",
    obsolete: "lvs_process_name lvs_flush_onstop vrrp_vmac_garp_intvl vrrp_rlimit_rtime " +
      "checker_rlimit_rtime bfd_rlimit_rtime enable_snmp_keepalived",
    notify: "use_symlink_paths set_supplementary_groups startup_script startup_script_timeout " +
      "shutdown_script shutdown_script_timeout notify_fifo notify_fifo_script " +
      "vrrp_notify_fifo vrrp_notify_fifo_script vrrp_notify_priority_changes " +
      "fifo_write_vrrp_states_on_reload lvs_notify_fifo lvs_notify_fifo_script script_user " +
      "enable_script_security",
    core: "router_id default_interface umask random_seed reload_check_config reload_time_file " +
      "reload_repeat reload_file include_check config_save_dir tmp_config_directory " +
      "data_use_instance json_version state_dump_file stats_dump_file json_dump_file",
    smtp: "notification_email_from smtp_server smtp_helo_name smtp_connect_timeout " +
      "notification_email{ smtp_alert smtp_alert_vrrp smtp_alert_checker no_email_faults " +
      "no_checker_emails",
    checker: "checker_log_all_failures rs_init_notifies",
    vrrp: "dynamic_interfaces disable_local_igmp v3_checksum_as_v2 vrrp_mcast_group4 " +
      "vrrp_mcast_group6 vrrp_garp_master_delay vrrp_garp_master_repeat " +
      "vrrp_garp_master_refresh vrrp_garp_master_refresh_repeat vrrp_garp_lower_prio_delay " +
      "vrrp_garp_lower_prio_repeat vrrp_down_timer_adverts vrrp_garp_interval " +
      "vrrp_gna_interval vrrp_min_garp vrrp_lower_prio_no_advert " +
      "vrrp_higher_prio_send_advert vrrp_version vrrp_check_unicast_src " +
      "vrrp_skip_check_adv_addr vrrp_strict vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier " +
      "vrrp_startup_delay vrrp_delay_after_boot log_unknown_vrids vrrp_owner_ignore_adverts",
    ipvs: "lvs_timeouts lvs_flush lvs_flush_on_stop lvs_sync_daemon lvs_netlink_cmd_rcv_bufs " +
      "lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs " +
      "lvs_netlink_monitor_rcv_bufs_force",
    vmac: "vrrp_garp_extra_if vmac_prefix vmac_addr_prefix",
    "nftables-iptables":
      "vrrp_iptables vrrp_ipsets nftables nftables_priority nftables_ifindex nftables_ipvs " +
      "nftables_ipvs_priority nftables_ipvs_start_fwmark nftables_counters",
    snmp: "snmp_socket enable_traps enable_snmp_vrrp enable_snmp_rfc enable_snmp_rfcv2 " +
      "enable_snmp_rfcv3 enable_snmp_checker snmp_vs_stats_update_interval " +
      "snmp_rs_stats_update_interval",
    dbus: "enable_dbus dbus_service_name dbus_no_interface_name",
    "address-route": "iproute_usr_dir iproute_etc_dir",
  },
  track_group: {
    "address-route": "group{",
  },
  vrrp_sync_group: {
    vrrp: "group{",
    track: "track_interface{ track_script{ track_file{ track_process{ sync_group_tracking_weight",
    bfd: "track_bfd{",
    notify: "notify_backup notify_master notify_fault notify_stop notify notify_priority_changes",
    smtp: "smtp_alert",
    obsolete: "global_tracking",
  },
  vrrp_instance: {
    vmac: "use_vmac use_vmac_addr vmac_xmit_base use_ipvlan garp_extra_if",
    vrrp: "unicast_peer{ unicast_fault_no_peer check_unicast_src state interface vrf " +
      "mcast_src_ip unicast_src_ip mcast_dst_ip virtual_router_id unicast_ttl version " +
      "priority advert_int no_virtual_ipaddress v3_checksum_as_v2 skip_check_adv_addr " +
      "strict_mode preempt nopreempt preempt_delay garp_master_delay garp_master_refresh " +
      "garp_master_repeat garp_master_refresh_repeat garp_lower_prio_delay " +
      "garp_lower_prio_repeat down_timer_adverts timer_expired_backup lower_prio_no_advert " +
      "higher_prio_send_advert owner_ignore_adverts kernel_rx_buf_size authentication{ " +
      "auth_hmac{",
    obsolete: "old_unicast_checksum native_ipv6 linkbeat_use_polling debug " +
      "lvs_sync_daemon_interface thread_timer_expired vmac_garp_intvl",
    track: "dont_track_primary track_interface{ track_script{ track_file{ track_process{ " +
      "track_src_ip",
    bfd: "track_bfd{",
    "address-route":
      "virtual_ipaddress{ virtual_ipaddress_excluded{ promote_secondaries virtual_routes{ " +
      "virtual_rules{",
    "nftables-iptables": "accept no_accept",
    notify: "notify_backup notify_master notify_fault notify_stop notify_deleted notify " +
      "notify_master_rx_lower_pri notify_priority_changes",
    smtp: "smtp_alert",
  },
  "vrrp_instance.authentication": {
    vrrp: "auth_type auth_pass",
  },
  "vrrp_instance.auth_hmac": {
    vrrp: "key active_key time_window anti_replay mode",
  },
  vrrp_script: {
    track: "script interval timeout weight rise fall init_fail",
    notify: "user",
  },
  vrrp_track_process: {
    track: "process param_match weight quorum quorum_max delay terminate_delay fork_delay " +
      "full_command",
  },
  garp_group: {
    vrrp: "garp_interval gna_interval interface interfaces{",
  },
  SSL: {
    checker: "password ca certificate key",
  },
  virtual_server: {
    ipvs: "ip_family inhibit_on_failure lb_algo lvs_sched ops flag-1 flag-2 flag-3 sh-port " +
      "sh-fallback mh-port mh-fallback lb_kind lvs_method persistence_engine " +
      "persistence_timeout persistence_granularity protocol quorum hysteresis weight " +
      "sorry_server sorry_server_inhibit sorry_server_lvs_method real_server{",
    checker: "retry delay_before_retry warmup connect_timeout delay_loop ha_suspend virtualhost " +
      "alpha omega",
    obsolete: "hashed",
    smtp: "smtp_alert",
    snmp: "snmp_name",
    notify: "quorum_up quorum_down",
  },
  "virtual_server.real_server": {
    ipvs: "weight lvs_method uthreshold lthreshold inhibit_on_failure",
    notify: "notify_up notify_down",
    checker: "alpha retry delay_before_retry warmup connect_timeout delay_loop virtualhost " +
      "MISC_CHECK{ SMTP_CHECK{ TCP_CHECK{ PING_CHECK{ UDP_CHECK{ HTTP_GET{ SSL_GET{ " +
      "DNS_CHECK{ FILE_CHECK{",
    smtp: "smtp_alert",
    snmp: "snmp_name",
    bfd: "BFD_CHECK{",
  },
  "virtual_server.real_server.MISC_CHECK": {
    checker: "retry delay_before_retry warmup delay_loop alpha log_all_failures misc_path " +
      "misc_timeout misc_dynamic",
    notify: "user",
  },
  "virtual_server.real_server.SMTP_CHECK": {
    checker: "helo_name connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark " +
      "retry delay_before_retry warmup delay_loop alpha log_all_failures",
    obsolete: "host{",
  },
  "virtual_server.real_server.SMTP_CHECK.host": {
    obsolete: "connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry " +
      "delay_before_retry warmup delay_loop alpha log_all_failures",
  },
  "virtual_server.real_server.TCP_CHECK": {
    checker: "connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry " +
      "delay_before_retry warmup delay_loop alpha log_all_failures",
  },
  "virtual_server.real_server.PING_CHECK": {
    checker: "connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry " +
      "delay_before_retry warmup delay_loop alpha log_all_failures",
  },
  "virtual_server.real_server.UDP_CHECK": {
    checker: "connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry " +
      "delay_before_retry warmup delay_loop alpha log_all_failures payload require_reply " +
      "min_reply_length max_reply_length",
  },
  "virtual_server.real_server.HTTP_GET": {
    checker: "connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry " +
      "delay_before_retry warmup delay_loop alpha log_all_failures virtualhost " +
      "http_protocol enable_sni sni_name fast_recovery url{",
    obsolete: "nb_get_retry",
  },
  "virtual_server.real_server.HTTP_GET.url": {
    checker: "path digest status_code virtualhost regex regex_no_match regex_options " +
      "regex_min_offset regex_max_offset regex_stack",
  },
  "virtual_server.real_server.SSL_GET": {
    checker: "connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry " +
      "delay_before_retry warmup delay_loop alpha log_all_failures virtualhost " +
      "http_protocol enable_sni sni_name fast_recovery tls_compliant url{",
    obsolete: "nb_get_retry",
  },
  "virtual_server.real_server.SSL_GET.url": {
    checker: "path digest status_code virtualhost regex regex_no_match regex_options " +
      "regex_min_offset regex_max_offset regex_stack tls_compliant",
  },
  "virtual_server.real_server.DNS_CHECK": {
    checker: "connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry " +
      "delay_before_retry warmup delay_loop alpha log_all_failures type name",
  },
  "virtual_server.real_server.FILE_CHECK": {
    checker: "track_file weight",
  },
  "virtual_server.real_server.BFD_CHECK": {
    bfd: "name alpha",
  },
  bfd_instance: {
    bfd: "source_ip neighbor_ip neighbour_ip min_rx min_tx idle_tx multiplier passive ttl " +
      "hoplimit max_hops multihop weight vrrp checker",
  },
  track_file: {
    track: "file weight init_file",
  },
  vrrp_track_file: {
    obsolete: "file weight init_file",
  },
  "address entry": {
    "address-route":
      "default any all default6 dev scope brd broadcast label peer home -nodad mngtmpaddr " +
      "noprefixroute autojoin preferred_lft no_track track_group",
    vmac: "use_vmac",
  },
  "route entry": {
    "address-route":
      "inet inet6 src as via from tos dsfield table protocol scope metric priority " +
      "preference dev oif onlink encap expires mtu hoplimit advmss rtt rttvar reordering " +
      "window cwnd ssthresh realms rto_min initcwnd initrwnd features quickack congctl pref " +
      "ttl-propagate fastopen_no_cookie add prepend append nexthop weight no_track " +
      "track_group vrf to",
    obsolete: "gw or",
  },
  "rule entry": {
    "address-route":
      "inet inet6 from to table lookup not preference order priority tos dsfield fwmark " +
      "realms suppress_prefixlength sup_pl suppress_ifgroup sup_group dev iif oif tunnel-id " +
      "uidrange l3mdev protocol ipproto sport dport no_track track_group type goto nop",
  },
  "track entry": {
    track: "weight reverse noreverse",
  },
  "unicast_peer entry": {
    vrrp: "min_ttl max_ttl",
  },
  "linkbeat_interfaces entry": {
    obsolete: "MII ETHTOOL IOCTL",
  },
  "virtual_server_group entry": {
    ipvs: "fwmark",
  },
  "lvs_sync_daemon option": {
    ipvs: "inst id maxlen port ttl group",
  },
};
