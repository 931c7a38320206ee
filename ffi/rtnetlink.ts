/** Links, addresses, routes and rules of the kernel, by NETLINK_ROUTE: typed verbs and readers. */

export * from "./netlink_constants.ts";
export * from "./rtnetlink_address.ts";
export * from "./rtnetlink_link.ts";
export * from "./rtnetlink_next_hop.ts";
export * from "./rtnetlink_route.ts";
export * from "./rtnetlink_rule.ts";
