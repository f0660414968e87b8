// SPDX-License-Identifier: GPL-2.0-only
/* What lies behind the BAR: Virtio 1.2, 4.1.4.3 to 4.1.4.9, and 5.1.4. */
#include "virtio.h"

#include <string.h>

enum space { COMMON, ISR, DEVICE, NOTIFY }; /* in the order of virtio-net.xml */

/* struct virtio_pci_common_cfg: 4.1.4.3 */
enum common {
	DEVICE_FEATURE_SELECT = 0,
	DEVICE_FEATURE = 4,
	DRIVER_FEATURE_SELECT = 8,
	DRIVER_FEATURE = 12,
	CONFIG_MSIX_VECTOR = 16,
	NUM_QUEUES = 18,
	DEVICE_STATUS = 20,
	CONFIG_GENERATION = 21,
	QUEUE_SELECT = 22,
	QUEUE_SIZE_ = 24,
	QUEUE_MSIX_VECTOR = 26,
	QUEUE_ENABLE = 28,
	QUEUE_NOTIFY_OFF = 30,
	QUEUE_DESC = 32,
	QUEUE_DRIVER = 40,
	QUEUE_DEVICE = 48,
};

static void put(uint8_t *at, unsigned int width, uint64_t value)
{
	for (unsigned int i = 0; i < width; i++)
		at[i] = value >> 8 * i;
}

static uint64_t get(const uint8_t *at, unsigned int width)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < width; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

static struct queue *selected(struct virtio *virtio)
{
	uint16_t select = virtio->kept->queue_select;

	return select < QUEUES ? &virtio->queue[select] : NULL;
}

/* --- common configuration --------------------------------------------------------------------- */

static void common_image(struct virtio *virtio, uint8_t *image)
{
	const struct queue *queue = selected(virtio);
	uint32_t select = virtio->kept->device_select;

	memset(image, 0, 64 + 8);
	put(image + DEVICE_FEATURE_SELECT, 4, select);
	put(image + DEVICE_FEATURE, 4, select < 2 ? virtio->offered >> 32 * select : 0);
	select = virtio->kept->driver_select;
	put(image + DRIVER_FEATURE_SELECT, 4, select);
	put(image + DRIVER_FEATURE, 4, select < 2 ? virtio->kept->features >> 32 * select : 0);
	put(image + CONFIG_MSIX_VECTOR, 2, virtio->kept->config_vector);
	put(image + NUM_QUEUES, 2, QUEUES);
	image[DEVICE_STATUS] = virtio->kept->status;
	image[CONFIG_GENERATION] = virtio->kept->generation;
	put(image + QUEUE_SELECT, 2, virtio->kept->queue_select);
	if (!queue)
		return;
	put(image + QUEUE_SIZE_, 2, queue->kept->size);
	put(image + QUEUE_MSIX_VECTOR, 2, queue->kept->vector);
	put(image + QUEUE_ENABLE, 2, queue->kept->enabled);
	put(image + QUEUE_NOTIFY_OFF, 2, virtio->kept->queue_select);
	put(image + QUEUE_DESC, 8, queue->kept->desc);
	put(image + QUEUE_DRIVER, 8, queue->kept->driver);
	put(image + QUEUE_DEVICE, 8, queue->kept->device);
}

static void features_write(struct virtio *virtio, uint32_t value)
{
	unsigned int shift = 32 * virtio->kept->driver_select;

	if (virtio->kept->driver_select > 1 || virtio->kept->status & STATUS_FEATURES_OK)
		return;
	virtio->kept->features &= ~((uint64_t)UINT32_MAX << shift);
	virtio->kept->features |= (uint64_t)value << shift;
}

/* 4.1.5.1.2.1: what a vector can't be reads as none. */
static uint16_t vector_of(uint16_t value)
{
	return value < QUEUES + 1 ? value : NO_VECTOR;
}

/* 4.1.4.3.1: only packed rings have sizes that are no power of two. */
static void size_write(const struct virtio *virtio, struct queue *queue, uint16_t size)
{
	if (has(virtio, VRING_F_PACKED) || !(size & (size - 1)))
		queue->kept->size = size;
}

static void queue_write(struct virtio *virtio, struct queue *queue, uint32_t offset,
			const uint8_t *image)
{
	if (offset == QUEUE_MSIX_VECTOR)
		queue->kept->vector = vector_of(get(image + QUEUE_MSIX_VECTOR, 2));
	if (queue->kept->enabled)
		return;
	if (offset == QUEUE_SIZE_)
		size_write(virtio, queue, get(image + QUEUE_SIZE_, 2));
	else if (offset >= QUEUE_DESC && offset < QUEUE_DRIVER)
		queue->kept->desc = get(image + QUEUE_DESC, 8);
	else if (offset >= QUEUE_DRIVER && offset < QUEUE_DEVICE)
		queue->kept->driver = get(image + QUEUE_DRIVER, 8);
	else if (offset >= QUEUE_DEVICE && offset < QUEUE_DEVICE + 8)
		queue->kept->device = get(image + QUEUE_DEVICE, 8);
	else if (offset == QUEUE_ENABLE && get(image + QUEUE_ENABLE, 2) == 1)
		device_enable(virtio, queue);
}

static void common_write(struct virtio *virtio, uint32_t offset, const uint8_t *image)
{
	switch (offset) {
	case DEVICE_FEATURE_SELECT:
		virtio->kept->device_select = get(image + offset, 4);
		break;
	case DRIVER_FEATURE_SELECT:
		virtio->kept->driver_select = get(image + offset, 4);
		break;
	case DRIVER_FEATURE:
		features_write(virtio, get(image + offset, 4));
		break;
	case CONFIG_MSIX_VECTOR:
		virtio->kept->config_vector = vector_of(get(image + offset, 2));
		break;
	case DEVICE_STATUS:
		device_status(virtio, image[offset]);
		break;
	case QUEUE_SELECT:
		virtio->kept->queue_select = get(image + offset, 2);
		break;
	default:
		if (selected(virtio))
			queue_write(virtio, selected(virtio), offset, image);
	}
}

static void common_access(struct virtio *virtio, uint32_t offset, unsigned int width, bool write,
			  uint64_t *value)
{
	uint8_t image[64 + 8];

	common_image(virtio, image);
	if (!write) {
		*value = get(image + offset, width);
		return;
	}
	put(image + offset, width, *value);
	common_write(virtio, offset, image);
}

/* --- the others ------------------------------------------------------------------------------- */

/* 4.1.4.5: reading takes it back. */
static void isr_access(struct virtio *virtio, bool write, uint64_t *value)
{
	if (write)
		return;
	*value = virtio->kept->isr;
	virtio->kept->isr = 0;
	device_line(virtio);
}

/* 5.1.4: address, status */
static void device_access(struct virtio *virtio, uint32_t offset, unsigned int width, bool write,
			  uint64_t *value)
{
	uint8_t image[64 + 8] = { 0 };

	if (write)
		return;
	/* 4.1.4.3.1: not by each change, of which 256 would look like none */
	virtio->kept->generation += virtio->kept->changed;
	virtio->kept->changed = false;
	memcpy(image, virtio->ops->mac(virtio->nic), 6);
	put(image + 6, 2, virtio->ops->link(virtio->nic) ? 1 : 0);
	put(image + 8, 2, 1);
	*value = get(image + offset, width);
}

int registers_access(void *state, unsigned int space, uint32_t offset, unsigned int width,
		     int write, uint64_t *value)
{
	struct virtio *virtio = state;

	switch (space) {
	case COMMON:
		common_access(virtio, offset, width, write, value);
		return 1;
	case ISR:
		isr_access(virtio, write, value);
		return 1;
	case DEVICE:
		device_access(virtio, offset, width, write, value);
		return 1;
	default:
		if (write)
			device_notified(virtio, offset / 4);
		else
			*value = 0;
		return 1;
	}
}

/* 4.1.4.9: bar, offset and length are where the XML has them */
#define CFG 0x84
#define CFG_BAR (CFG + 4)
#define CFG_OFFSET (CFG + 8)
#define CFG_LENGTH (CFG + 12)
#define CFG_DATA (CFG + 16)

int config_access(void *state, uint32_t offset, unsigned int width, int write, uint64_t *value)
{
	const struct virtio *virtio = state;
	const uint8_t *config = virtio->ops->config(virtio->nic);
	uint64_t length = get(config + CFG_LENGTH, 4);

	if (offset != CFG_DATA || (length != 1 && length != 2 && length != 4) || width < length)
		return 0;
	if (!write)
		*value = 0;
	virtio->ops->bar(virtio->nic, config[CFG_BAR], get(config + CFG_OFFSET, 4), length, write,
			 value);
	return 1;
}
