/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Constants of the kernel that are macros there, so that type information does not have them. */
#pragma once

/* include/linux/socket.h */
#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define AF_VSOCK 40
#define AF_XDP 44

/* include/linux/net.h */
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_TYPE 0xf

/* include/uapi/linux/in.h */
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262

/* include/uapi/asm-generic/errno*.h */
#define EPERM 1
#define EINTR 4
#define ECONNABORTED 103
#define EISCONN 106
#define EALREADY 114
#define EINPROGRESS 115

/* include/uapi/linux/stat.h */
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFSOCK 0140000
#define S_IFMT 0170000

/* include/linux/fs.h */
#define FMODE_WRITE 2

/* include/linux/sched.h */
#define PF_IO_WORKER 0x10
#define PF_KTHREAD 0x200000
