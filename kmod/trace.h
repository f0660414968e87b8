/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: /sys/kernel/tracing/events/uvf/ */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM uvf

#if !defined(UVF_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define UVF_TRACE_H

#include "compat/compat.h"
#include "drop.h"

#include <linux/netdevice.h>
#include <linux/tracepoint.h>

#ifndef UVF_TRACE_ONCE
#define UVF_TRACE_ONCE
#define UVF_DROP_SYMBOL(name, text) { UVF_DROP_##name, text },
#endif

TRACE_EVENT(uvf_drop,
	TP_PROTO(const struct net_device *dev, unsigned int queue, enum uvf_drop reason),
	TP_ARGS(dev, queue, reason),
	TP_STRUCT__entry(
		__string(name, dev->name)
		__field(int, ifindex)
		__field(unsigned int, queue)
		__field(unsigned int, reason)
	),
	TP_fast_assign(
		uvf_compat_assign_str(name, dev->name);
		__entry->ifindex = dev->ifindex;
		__entry->queue = queue;
		__entry->reason = reason;
	),
	TP_printk("dev=%s ifindex=%d queue=%u reason=%s", __get_str(name), __entry->ifindex,
		  __entry->queue,
		  __print_symbolic(__entry->reason, UVF_DROPS(UVF_DROP_SYMBOL) { -1, "" }))
);

#endif /* UVF_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
