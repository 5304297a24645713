#!/bin/bash
# Prepares a machine for tasks: mounts one file system over all its NVMe instance disks as /scratch, and keeps containers from the
# machine's own credentials. Where either fails, the machine shuts down: its tasks would fill the root disk, and while it idled
# Batch would start no other in its place. Runs at each boot, from the launch template's user data; test/infra/ checks that
# lanceflow.yaml has the same text.
set -euo pipefail

give_up() {
  echo "lanceflow: this machine has no /scratch, or cannot keep containers from its credentials; it shuts down" >&2
  systemctl mask --now ecs || true
  shutdown -h now
}
trap give_up ERR

# User data runs at the first boot only, so the script installs itself for the next ones. Then it fails, and the machine shuts down,
# where its disks are still one device.
each_boot=/var/lib/cloud/scripts/per-boot/lanceflow.sh
[ "$0" -ef "$each_boot" ] || cp "$0" "$each_boot"

# Containers share the machine's network. Only root, and so ECS's agent, may reach the metadata service; tasks get the credentials of
# their role from another address (169.254.170.2).
iptables --wait --insert OUTPUT --destination 169.254.169.254/32 --match owner --uid-owner 1-4294967294 --jump REJECT

mkdir -p /scratch
devices=$(lsblk --nodeps --paths --noheadings --output NAME,MODEL)
mapfile -t disks < <(awk '/Instance Storage/ { print $1 }' <<< "$devices")
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
# Containers run as other users.
chmod 1777 /scratch
