// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Parts of a session, for threads. All are of one memory; a part has frames and queues of its own,
 * so that threads share nothing that either writes to: each frame's place is written by the thread
 * that has the frame.
 *
 * Sources are moved, not copied: a queue is in the function's device or in that of one part. When a
 * part is closed, what it has goes back.
 */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "why.h"

static int part_link(struct uvf *uvf, struct uvf *part)
{
	for (unsigned int i = 0; i < UVF_PARTS; i++) {
		if (uvf->parts[i])
			continue;
		uvf->parts[i] = part;
		return 0;
	}
	return uvf_fail(EMFILE, "a session has %d parts at most", UVF_PARTS);
}

static void frames_move(struct uvf *to, struct uvf *from, uint32_t n)
{
	from->free_count -= n;
	memcpy(to->free + to->free_count, from->free + from->free_count, n * sizeof(*to->free));
	to->free_count += n;
}

static void part_init(struct uvf *part, struct uvf *uvf)
{
	part->parent = uvf;
	part->area = uvf->area;
	part->places = uvf->places;
	part->place = uvf->place;
	part->frame_shift = uvf->frame_shift;
	part->frames = uvf->frames;
	part->size = uvf->size;
	part->reach = uvf->reach;
	part->frame_max = uvf->frame_max;
	part->jumbo = uvf->jumbo;
	part->meta_rx = uvf->meta_rx;
	part->asked = uvf->asked;
	part->arrivals = uvf->arrivals;
	part->busy_us = uvf->busy_us;
	part->busy_poll = uvf->busy_poll;
	part->sock = part->memfd = -1;
}

int uvf__split(struct uvf **to, struct uvf *uvf, uint32_t frames)
{
	struct uvf *part;
	int err;

	*to = NULL;
	if (uvf->parent)
		return uvf_fail(EINVAL, "a part can't be split: split the session");
	if (frames > uvf->free_count)
		return uvf_fail(ENOBUFS, "%u frames for a part, and %u are free: open the session "
					 "with more", frames, uvf->free_count);
	part = calloc(1, sizeof(*part));
	if (part)
		part->free = calloc(uvf->frames, sizeof(*part->free));
	err = part && part->free ? part_link(uvf, part) :
				   uvf_fail(ENOMEM, "no memory for a part of the session");
	if (err) {
		free(part ? part->free : NULL);
		free(part);
		return err;
	}
	part_init(part, uvf);
	frames_move(part, uvf, frames);
	*to = part;
	return 0;
}

void part_close(struct uvf *part)
{
	struct uvf *uvf = part->parent;

	for (unsigned int i = 0; i < UVF_DEVS; i++)
		uvf_dev__close(part->devs[i]);
	frames_move(uvf, part, part->free_count);
	for (unsigned int i = 0; i < UVF_PARTS; i++)
		if (uvf->parts[i] == part)
			uvf->parts[i] = NULL;
	free(part->free);
	free(part);
}

/* --- queues ----------------------------------------------------------------------------------- */

/* The device that has fewer of them goes on from its first. */
static void sources_move(struct uvf_dev *to, struct uvf_dev *from, unsigned int first,
			 unsigned int count)
{
	unsigned int behind = from->sources - first - count;

	memcpy(to->source + to->sources, from->source + first, count * sizeof(*to->source));
	memmove(from->source + first, from->source + first + count,
		behind * sizeof(*from->source));
	to->sources += count;
	from->sources -= count;
	/* What a source receives from now on comes after all that it had received. */
	if ((int32_t)(from->uvf->arrivals - to->uvf->arrivals) > 0)
		to->uvf->arrivals = from->uvf->arrivals;
	to->next = from->next = 0;
	tx_choose(to);
	tx_choose(from);
}

static int split_check(const struct uvf_dev *dev, const struct uvf *part, unsigned int first,
		       unsigned int count)
{
	if (part->parent != dev->uvf)
		return uvf_fail(EINVAL, "queues of %s can go to a part of its own session only",
				dev->info.name);
	if (!count || first >= dev->sources || count > dev->sources - first)
		return uvf_fail(EINVAL, "%s has %u queues here: there are no %u from the %u. on",
				dev->info.name, dev->sources, count, first);
	if (count == dev->sources)
		return uvf_fail(EINVAL, "one queue of %s must stay with the session at least",
				dev->info.name);
	return 0;
}

int uvf_dev__split(struct uvf_dev **to, struct uvf_dev *dev, struct uvf *part, unsigned int first,
		   unsigned int count)
{
	struct uvf_dev *piece;
	int slot, err;

	*to = NULL;
	err = split_check(dev, part, first, count);
	if (err)
		return err;
	for (slot = 0; slot < UVF_DEVS && part->devs[slot]; slot++)
		;
	if (slot == UVF_DEVS)
		return uvf_fail(EMFILE, "a part has %d devices at most", UVF_DEVS);
	piece = calloc(1, sizeof(*piece));
	if (piece)
		piece->source = calloc(count, sizeof(*piece->source));
	if (!piece || !piece->source) {
		free(piece);
		return uvf_fail(ENOMEM, "no memory for queues of %s", dev->info.name);
	}
	piece->of = dev;
	piece->uvf = part;
	if (sent_make(piece)) {
		free(piece->source);
		free(piece);
		return -ENOMEM;
	}
	piece->share = dev->share;
	piece->info = dev->info;
	piece->epoll = -1;
	sources_move(piece, dev, first, count);
	part->devs[slot] = piece;
	err = epoll_renew(piece) ?: epoll_renew(dev);
	if (err) {
		uvf_dev__close(piece);
		return err;
	}
	*to = piece;
	return 0;
}

unsigned int uvf_dev__queues(const struct uvf_dev *dev)
{
	return dev->sources;
}

/* Of the counters, too: the function's are those of all its queues. */
static void stats_add(struct uvf_dev_stats *to, const struct uvf_dev_stats *from)
{
	to->rx_frames += from->rx_frames;
	to->rx_bytes += from->rx_bytes;
	to->tx_frames += from->tx_frames;
	to->tx_bytes += from->tx_bytes;
	to->tx_full += from->tx_full;
}

void piece_close(struct uvf_dev *piece)
{
	struct uvf *part = piece->uvf;

	sources_move(piece->of, piece, 0, piece->sources);
	stats_add(&piece->of->stats, &piece->stats);
	epoll_renew(piece->of);
	epoll_close(piece);
	for (unsigned int i = 0; i < UVF_DEVS; i++)
		if (part->devs[i] == piece)
			part->devs[i] = NULL;
	free(piece->source);
	free(piece->sent);
	free(piece);
}

/* All queues of @dev come back to it. */
void pieces_close(struct uvf_dev *dev)
{
	for (unsigned int i = 0; i < UVF_PARTS; i++)
		for (unsigned int j = 0; dev->uvf->parts[i] && j < UVF_DEVS; j++)
			if (dev->uvf->parts[i]->devs[j] && dev->uvf->parts[i]->devs[j]->of == dev)
				piece_close(dev->uvf->parts[i]->devs[j]);
}
