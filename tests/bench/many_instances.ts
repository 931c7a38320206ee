/** A configuration of a size that few have: instances with addresses, scripts and trackers. */

/** Its text. @param count Instances, each with two addresses, a script, a file and an interface. */
export function manyInstances(count: number): string {
  const blocks = Array.from({ length: count }, (_, n) => {
    const [high, low] = [n >> 8, n & 255];
    return `vrrp_script check_${n} {
  script "/usr/bin/test -e /run/service.${n}"
  interval 2
  weight -20
}
track_file file_${n} {
  file /run/weight.${n}
}
vrrp_instance VI_${n} {
  interface eth${n >> 7}
  state BACKUP
  virtual_router_id ${n % 255 + 1}
  priority ${n % 200 + 10}
  advert_int 1
  virtual_ipaddress {
    10.${high}.${low}.1/24
    10.${high}.${low}.2/24 dev eth${n >> 7}
  }
  track_script {
    check_${n}
  }
  track_file {
    file_${n} weight 3
  }
  track_interface {
    uplink${n >> 7} weight -5
  }
  notify_master "/usr/bin/logger master ${n}"
}
`;
  });
  return `global_defs {
  router_id many
  dynamic_interfaces
  enable_script_security
  script_user root
}
${blocks.join("")}`;
}
