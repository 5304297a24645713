#!/bin/bash
# Makes /scratch of the machine's NVMe instance disks: one file system over all of them. A machine that cannot do so takes
# no jobs, because its tasks would fill the root disk. Runs at first boot, as part of the launch template's user data;
# test/infra/ sees to it that lanceflow.yaml has the same text.
set -euo pipefail

refuse_jobs() {
  echo "lanceflow: /scratch could not be made; this machine takes no jobs" >&2
  systemctl mask --now ecs
}
trap refuse_jobs ERR

mkdir -p /scratch
mapfile -t disks < <(lsblk --nodeps --paths --noheadings --output NAME,MODEL | awk '/Instance Storage/ { print $1 }')
case ${#disks[@]} in
  0) echo "lanceflow: no instance disks; /scratch is on the root disk" ;;
  1) device=${disks[0]} ;;
  *)
    device=/dev/md/scratch
    command -v mdadm >/dev/null || dnf install --assumeyes --quiet mdadm
    mdadm --create "$device" --run --level=0 --raid-devices="${#disks[@]}" "${disks[@]}"
    ;;
esac
if [ ${#disks[@]} -gt 0 ]; then
  mkfs.xfs -f -K "$device"
  mount -o noatime,discard "$device" /scratch
fi
# Containers write to it as a user of their own.
chmod 1777 /scratch
