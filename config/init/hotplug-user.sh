#!/bin/sh
# Run by hotplug-call for every notification: the administrator's own part.

# shellcheck disable=SC1091 # not there unless somebody writes it
[ ! -f /etc/keepalived.user ] || . /etc/keepalived.user
