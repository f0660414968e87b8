// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: a generic NIC with a personality. Another personality is another NIC, which is made
 * beside the one that there is, and takes its place when nobody has the device: whoever has it open
 * has looked at its registers, and at how many there are.
 */
#include "vfio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "why.h"

static uint64_t now(void *ctx)
{
	return front_now();
}

static void say(void *ctx, const char *sentence)
{
	front_say(ctx, "%s", sentence);
}

static const struct nic_transport operations = {
	.dma = memory_dma,
	.frame_room = frames_room,
	.frame_send = frames_send,
	.intx = channel_intx,
	.message = channel_message,
	.remote_vectors = true,
	.now = now,
	.say = say,
};

struct nic *device_make(struct front *front, const char *personality)
{
	struct nic *nic;

	if (nic_open(&nic, &operations, front, front->info.mac))
		return NULL;
	if (!nic_load(nic, personality))
		return nic;
	nic_close(nic);
	return NULL;
}

/* --- what there is ---------------------------------------------------------------------------- */

/* Of those that have gone, and of this one. */
#define SUM(to, front, field) \
	((to)->field = (front)->before.field + nic_counters((front)->nic)->field)

void device_count(struct front *front)
{
	struct front_vfio *to = front->counters;

	SUM(to, front, rx_frames);
	SUM(to, front, rx_bytes);
	SUM(to, front, tx_frames);
	SUM(to, front, tx_bytes);
	SUM(to, front, rx_filtered);
	SUM(to, front, rx_long);
	SUM(to, front, tx_bad);
	SUM(to, front, script_dropped);
	SUM(to, front, script_errors);
	SUM(to, front, dma_errors);
	SUM(to, front, ring_errors);
	SUM(to, front, reads);
	SUM(to, front, writes);
	SUM(to, front, interrupts);
	SUM(to, front, throttled);
	SUM(to, front, resets);
}

/* All of them are numbers of one size. */
static void counters_keep(struct front *front)
{
	const struct nic_counters *gone = nic_counters(front->nic);

	for (size_t i = 0; i < sizeof(*gone) / sizeof(uint64_t); i++)
		((uint64_t *)&front->before)[i] += ((const uint64_t *)gone)[i];
}

static void name_show(struct front *front)
{
	snprintf(front->counters->personality, sizeof(front->counters->personality), "%s",
		 nic_personality(front->nic));
	snprintf(front->counters->next, sizeof(front->counters->next), "%s",
		 front->next ? nic_personality(front->next) : "");
}

int device_open(struct front *front, const char *personality)
{
	int err;

	front->nic = device_make(front, personality);
	if (!front->nic)
		return -EINVAL;
	err = channel_serve(front, front->nic);
	if (!err)
		name_show(front);
	return err;
}

int device_go_on(struct front *front)
{
	int goes_on;

	front->open = channel_look(front);
	front->counters->open = front->open;
	goes_on = nic_keep(front->nic, front->kept, KEPT, front->open);
	memory_settle(front);
	if (goes_on < 0)
		return goes_on;
	if (!goes_on) /* the kernel keeps the line as a predecessor left it */
		channel_intx(front, false);
	front->counters->resumed = goes_on;
	if (goes_on)
		front_say(front, "goes on where its predecessor ended");
	else if (front->open)
		front_say(front, "its user finds the device as after power-on");
	return 0;
}

void device_close(struct front *front)
{
	nic_close(front->next);
	nic_close(front->nic);
	front->next = NULL;
	front->nic = NULL;
}

void device_reset(struct front *front, uint64_t why)
{
	if (why == UVF_VFIO_RESET_OPENED) {
		front->counters->opened++;
		front_say(front, "a user has the device, which is %s", nic_personality(front->nic));
	} else if (why == UVF_VFIO_RESET_CLOSED) {
		front_say(front, "the user has let go of the device");
	}
	if (why != UVF_VFIO_RESET_ASKED) {
		front->open = why == UVF_VFIO_RESET_OPENED;
		memory_forget(front);
	}
	front->counters->open = front->open;
	nic_reset(front->nic);
}

void device_link(void *ctx, bool up)
{
	struct front *front = ctx;

	front->counters->link = up;
	nic_link(front->nic, up);
	if (front->next)
		nic_link(front->next, up);
}

/* --- another one ------------------------------------------------------------------------------ */

static void replace(struct front *front)
{
	front_say(front, "it was %s, and is %s", nic_personality(front->nic),
		  nic_personality(front->next));
	counters_keep(front);
	nic_close(front->nic);
	front->nic = front->next;
	front->next = NULL;
	front->counters->swapped++;
	name_show(front);
	/* Else it could not have been declared; that the last user has let go may not be told. */
	front->open = false;
	front->counters->open = false;
	memory_forget(front);
	if (nic_keep(front->nic, front->kept, KEPT, false) < 0)
		front_say(front, "a successor will not go on: %s", uvf_why());
}

/* The kernel knows for certain whether somebody has it open. */
static int try_swap(struct front *front)
{
	int err = channel_serve(front, front->next);

	if (!err)
		replace(front);
	return err;
}

static void give_up(struct front *front)
{
	nic_close(front->next);
	front->next = NULL;
	name_show(front);
}

int device_swap(struct front *front, const char *personality, bool *later)
{
	struct nic *next = device_make(front, personality);
	int err;

	*later = false;
	if (!next)
		return -EINVAL;
	nic_link(next, front->counters->link);
	nic_close(front->next);
	front->next = next;
	err = try_swap(front);
	if (err == -EBUSY) {
		*later = true;
		name_show(front);
		return 0;
	}
	if (err)
		give_up(front);
	return err;
}

void device_try_swap(struct front *front)
{
	int err;

	if (!front->next || front->open)
		return;
	err = try_swap(front);
	if (!err || err == -EBUSY)
		return;
	front_say(front, "it stays %s: %s", nic_personality(front->nic), uvf_why());
	give_up(front);
}
