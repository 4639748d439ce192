#!/bin/sh
# Boots systemd as PID 1 of a pid namespace. Run inside fresh mount, pid, uts, ipc and cgroup namespaces and the host's
# network namespace: systemd-boot.sh NAME LOWER UPPER
#   NAME   its host name
#   LOWER  the read-only root; UPPER  a directory for what the host writes: it keeps it over boots
# Everything mounted here goes with the mount namespace.
set -eu
name=$1 lower=$2 upper=$3
root=$upper/root
mkdir -p "$root" "$upper/changes" "$upper/work" "$upper/engine"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper/changes,workdir=$upper/work" "$root"

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
# The machine's own kernel settings are out of reach, those of this network namespace are not.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,ro "$root/proc/sys"
[ ! -e "$root/proc/sysrq-trigger" ] || mount --bind /dev/null "$root/proc/sysrq-trigger"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"

mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
for device in null zero full random urandom tty fuse net/tun; do
  [ -e "/dev/$device" ] || continue
  mkdir -p "$root/dev/$(dirname "$device")"
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for number in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${number%:*}" "$root/dev/${number#*:}"; done
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"

# Overlay storage does not work on an overlay.
for engine in containers docker; do
  mkdir -p "$root/var/lib/$engine" "$upper/engine/$engine"
  mount --bind "$upper/engine/$engine" "$root/var/lib/$engine"
done

hostname "$name"
echo "$name" >"$root/etc/hostname"
# Else systemd takes the virtual machine's, and all hosts have the same.
[ -s "$root/etc/machine-id" ] || tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
cd "$root"
mkdir -p .old
pivot_root . .old
umount -l /.old
# As systemd does on a real machine and leaves to others in a container: services with mounts of their own see new ones.
mount --make-rshared /
# Neither the machine's clock nor its kernel modules are this host's to change.
exec env -i container=omada-host-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --bounding-set=-sys_time,-sys_module /lib/systemd/systemd --show-status=false
