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

/*
 * What a function sends: frames in one piece at `data`; those of the stack for which segmentation
 * or checksums are yet to be done. For BPF programs, too, which need to know no structure:
 * `function` is bus << 8 | devfn of its PCI address, the same in all network namespaces.
 */
TRACE_EVENT(uvf_sent,
	TP_PROTO(const struct net_device *dev, unsigned int function, const void *data,
		 unsigned int len),
	TP_ARGS(dev, function, data, len),
	TP_STRUCT__entry(
		__string(name, dev->name)
		__field(int, ifindex)
		__field(unsigned int, function)
		__field(const void *, data)
		__field(unsigned int, len)
	),
	TP_fast_assign(
		uvf_compat_assign_str(name, dev->name);
		__entry->ifindex = dev->ifindex;
		__entry->function = function;
		__entry->data = data;
		__entry->len = len;
	),
	TP_printk("dev=%s ifindex=%d function=%02x:%02x.%x len=%u", __get_str(name),
		  __entry->ifindex, __entry->function >> 8, __entry->function >> 3 & 0x1f,
		  __entry->function & 7, __entry->len)
);

#endif /* UVF_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
