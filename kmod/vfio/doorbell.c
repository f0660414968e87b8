// SPDX-License-Identifier: GPL-2.0-only
/* Doorbells: a write of the user that signals an eventfd of the process, and asks nobody. */
#include "../compat/compat.h"
#include "face.h"

#include <linux/eventfd.h>

static bool place_equal(const struct uvf_place *a, const struct uvf_place *b)
{
	return a->region == b->region && a->width == b->width && a->offset == b->offset;
}

static struct uvf_doorbell *find(struct uvf_face *face, const struct uvf_doorbell *like)
{
	struct uvf_doorbell *bell = face->doorbell;

	lockdep_assert_held(&face->doorbell_lock);
	for (; bell < face->doorbell + face->nr_doorbells; bell++)
		if (place_equal(&bell->place, &like->place) && bell->match == like->match &&
		    (!bell->match || bell->value == like->value))
			return bell;
	return NULL;
}

bool uvf_doorbell_ring(struct uvf_face *face, const struct uvf_place *place, u64 value)
{
	struct uvf_doorbell *bell = face->doorbell;
	bool rung = false;

	if (!READ_ONCE(face->nr_doorbells))
		return false;
	spin_lock(&face->doorbell_lock);
	for (; bell < face->doorbell + face->nr_doorbells; bell++) {
		if (!place_equal(&bell->place, place) || (bell->match && bell->value != value))
			continue;
		uvf_compat_eventfd_signal(bell->eventfd);
		rung = true;
	}
	spin_unlock(&face->doorbell_lock);
	return rung;
}

static int take_off(struct uvf_face *face, const struct uvf_doorbell *like,
		    struct eventfd_ctx **old)
{
	struct uvf_doorbell *bell = find(face, like);

	if (!bell)
		return -ENOENT;
	*old = bell->eventfd;
	*bell = face->doorbell[face->nr_doorbells - 1];
	WRITE_ONCE(face->nr_doorbells, face->nr_doorbells - 1);
	return 0;
}

static int put_on(struct uvf_face *face, const struct uvf_doorbell *bell)
{
	if (find(face, bell) || face->nr_doorbells == UVF_VFIO_DOORBELLS_MAX)
		return -EBUSY;
	face->doorbell[face->nr_doorbells] = *bell;
	WRITE_ONCE(face->nr_doorbells, face->nr_doorbells + 1);
	return 0;
}

static int check(const struct uvf_face *face, const struct uvf_vfio_doorbell *what,
		 const struct uvf_place *place)
{
	const struct uvf_vfio_region *region;

	if (what->flags & ~UVF_VFIO_DOORBELL_MATCH || what->reserved ||
	    what->region > VFIO_PCI_BAR5_REGION_INDEX)
		return -EINVAL;
	region = &face->layout.region[what->region];
	if (!is_power_of_2(what->width) ||
	    what->width > (region->flags & UVF_VFIO_REGION_WIDE ? 8 : 4) ||
	    what->offset % what->width || what->offset >= region->size ||
	    !(region->flags & UVF_VFIO_REGION_WRITE) || uvf_layout_direct(face, place))
		return -EINVAL;
	if (what->flags & UVF_VFIO_DOORBELL_MATCH ?
		    what->width < 8 && what->value >> (8 * what->width) :
		    what->value)
		return -EINVAL;
	return 0;
}

int uvf_doorbell_change(struct uvf_face *face, const struct uvf_vfio_doorbell *what)
{
	struct uvf_doorbell bell = {
		.place = { what->region, what->width, what->offset },
		.match = what->flags & UVF_VFIO_DOORBELL_MATCH,
		.value = what->value,
	};
	struct eventfd_ctx *old = NULL;
	int err;

	lockdep_assert_held(&face->lock);
	err = check(face, what, &bell.place);
	if (err)
		return err;
	if (what->eventfd >= 0) {
		bell.eventfd = eventfd_ctx_fdget(what->eventfd);
		if (IS_ERR(bell.eventfd))
			return PTR_ERR(bell.eventfd);
		old = bell.eventfd;
	}
	spin_lock(&face->doorbell_lock);
	err = what->eventfd >= 0 ? put_on(face, &bell) : take_off(face, &bell, &old);
	spin_unlock(&face->doorbell_lock);
	/* What was taken off, or could not be put on. */
	if (old && (err || what->eventfd < 0))
		eventfd_ctx_put(old);
	return err;
}

void uvf_doorbell_clear(struct uvf_face *face)
{
	struct eventfd_ctx *old[UVF_VFIO_DOORBELLS_MAX];
	unsigned int i, nr;

	spin_lock(&face->doorbell_lock);
	nr = face->nr_doorbells;
	for (i = 0; i < nr; i++)
		old[i] = face->doorbell[i].eventfd;
	WRITE_ONCE(face->nr_doorbells, 0);
	spin_unlock(&face->doorbell_lock);
	for (i = 0; i < nr; i++)
		eventfd_ctx_put(old[i]);
}
