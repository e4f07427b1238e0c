#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# First process of a guest: the host's root, read-only, below a layer in memory.
set -e
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
ip link set lo up

nine=trans=virtio,version=9p2000.L,msize=524288
mount -t 9p -o "ro,cache=loose,$nine" host /host
mount -t tmpfs -o size=60% layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /root

mount -t devtmpfs devtmpfs /root/dev
mount -t tmpfs -o mode=755 run /root/run
mkdir /root/run/vm
mount -t 9p -o "$nine" exchange /root/run/vm
umount /proc
if [ -d /root/run/vm/systemd ]; then
	rm -f /root/.dockerenv # systemd would take this for a container, and not listen to the kernel's command line
	cp /root/run/vm/systemd/* /root/etc/systemd/system/
	: >/root/etc/tmpfiles.d/tmp.conf # systemd empties /tmp, and the checkout may be there
	exec switch_root /root /lib/systemd/systemd --unit=vm.target
fi
exec switch_root /root /bin/sh /run/vm/start
