// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames that a function of uvf.ko sends, at the module's tracepoint uvf_sent. It needs no type
 * information of the kernel or the module: all that it looks at are the tracepoint's arguments.
 */
#include "capture.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

/* One for each processor, as many as there are; one per-CPU map's entry can't be so large. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture_sent);
} rooms SEC(".maps");

const volatile struct capture_filter filter;

SEC("raw_tp/uvf_sent")
int capture_sent(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id(), captured;
	struct capture_sent *room;

	if ((__u32)ctx->args[1] != filter.function)
		return 0;
	room = bpf_map_lookup_elem(&rooms, &cpu);
	if (!room)
		return 0;
	room->event.time = bpf_ktime_get_boot_ns();
	room->event.length = ctx->args[3];
	room->event.point = filter.point;
	captured = ctx->args[3];
	if (captured > filter.snaplen)
		captured = filter.snaplen;
	if (captured > sizeof(room->bytes))
		captured = sizeof(room->bytes);
	room->event.captured = captured;
	if (bpf_probe_read_kernel(room->bytes, captured, (void *)ctx->args[2]))
		return 0;
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, room,
			      sizeof(room->event) + captured);
	return 0;
}

char _license[] SEC("license") = "GPL";
