// SPDX-License-Identifier: GPL-2.0-only
/*
 * The channel: what the user of the device reads and writes, and interrupts to it. The kernel says
 * that an access is aligned and within its region; the NIC looks all the same.
 */
#include "vfio.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "why.h"

#define BATCH 16
/*
 * How long an access waits: for us, or, if we have died, for who comes next. The processor of a
 * guest stands still meanwhile; a driver that reads all ones does worse.
 */
#define TIMEOUT_MS 20000
#define LINGER_MS 10000

#define BOTH (UVF_VFIO_REGION_READ | UVF_VFIO_REGION_WRITE)

/* --- declaring -------------------------------------------------------------------------------- */

static void bar_declare(const struct nic *nic, unsigned int bar, struct uvf_vfio_region *region)
{
	struct nic_bar_info info;

	nic_bar_info(nic, bar, &info);
	if (!info.size)
		return;
	region->size = info.size;
	/* A processor waits for what it writes to ports, and not for what it writes to memory. */
	region->flags = BOTH | (info.io ? 0 : UVF_VFIO_REGION_WIDE | UVF_VFIO_REGION_POSTED);
}

int channel_serve(struct front *front, const struct nic *nic)
{
	struct uvf_vfio_layout layout = {
		.size = sizeof(layout),
		.timeout_ms = TIMEOUT_MS,
		.linger_ms = LINGER_MS,
	};
	struct nic_irq_info irqs;

	nic_irq_info(nic, &irqs);
	layout.intx = irqs.intx;
	layout.msi = irqs.msi;
	layout.msix = irqs.msix;
	for (unsigned int i = 0; i <= VFIO_PCI_BAR5_REGION_INDEX; i++)
		bar_declare(nic, i, &layout.region[i]);
	layout.region[VFIO_PCI_CONFIG_REGION_INDEX].size = 256;
	layout.region[VFIO_PCI_CONFIG_REGION_INDEX].flags = BOTH;
	if (!ioctl(front->channel, UVF_VFIO_SERVE, &layout))
		return 0;
	if (errno == EBUSY)
		return uvf_fail(EBUSY, "a user has %s open, and knows it as another device than %s",
				front->counters->pci, nic_personality(nic));
	return uvf_fail(errno, "the kernel does not take %s for a VFIO device: %s",
			nic_personality(nic), strerror(errno));
}

/* --- requests --------------------------------------------------------------------------------- */

static void answer_access(struct front *front, const struct uvf_vfio_request *request,
			  uint64_t *value)
{
	bool write = request->type == UVF_VFIO_WRITE;

	if (request->region == VFIO_PCI_CONFIG_REGION_INDEX && request->offset <= UINT32_MAX)
		nic_config(front->nic, request->offset, request->width, write, value);
	else if (request->region <= VFIO_PCI_BAR5_REGION_INDEX)
		nic_bar(front->nic, request->region, request->offset, request->width, write, value);
	else
		*value = UINT64_MAX;
}

static void answer(struct front *front, const struct uvf_vfio_request *request,
		   struct uvf_vfio_reply *reply)
{
	uint64_t value = request->value;

	*reply = (struct uvf_vfio_reply){ .id = request->id };
	front->counters->requests++;
	front->counters->again += !!(request->flags & UVF_VFIO_AGAIN);
	switch (request->type) {
	case UVF_VFIO_READ:
	case UVF_VFIO_WRITE:
		answer_access(front, request, &value);
		break;
	case UVF_VFIO_RESET:
		device_reset(front, request->value);
		break;
	default: /* of a kernel that knows more */
		reply->error = EOPNOTSUPP;
	}
	reply->value = value;
	memory_settle(front);
}

static int ended(void)
{
	return uvf_fail(EPIPE, "the kernel has ended it: the function is gone or bound to another "
			"driver, or another process serves it");
}

int channel_run(struct front *front)
{
	struct uvf_vfio_request request[BATCH];
	struct uvf_vfio_reply reply[BATCH];
	ssize_t got = read(front->channel, request, sizeof(request));
	int n = got < 0 ? 0 : got / (ssize_t)sizeof(*request), done = 0;

	if (!got)
		return ended();
	/* What is left when it has failed is a successor's. */
	for (; done < n && !front->stop; done++)
		answer(front, &request[done], &reply[done]);
	if (done && write(front->channel, reply, done * sizeof(*reply)) < 0 && errno == EPIPE)
		return ended();
	return n;
}

/* --- interrupts ------------------------------------------------------------------------------- */

/* One that can't be had is none: the channel has ended, which read() will tell. */
static void raise_vector(struct front *front, uint32_t index, uint32_t vector, uint32_t level)
{
	struct uvf_vfio_irq irq = { sizeof(irq), index, vector, level };

	ioctl(front->channel, UVF_VFIO_IRQ, &irq);
}

void channel_intx(void *ctx, bool asserted)
{
	raise_vector(ctx, VFIO_PCI_INTX_IRQ_INDEX, 0, asserted);
}

void channel_message(void *ctx, unsigned int vector, uint64_t address, uint32_t data)
{
	struct front *front = ctx;

	raise_vector(front, nic_msix(front->nic) ? VFIO_PCI_MSIX_IRQ_INDEX :
						   VFIO_PCI_MSI_IRQ_INDEX, vector, 1);
}

bool channel_look(struct front *front)
{
	struct uvf_vfio_state state = { .size = sizeof(state) };

	if (ioctl(front->channel, UVF_VFIO_GET_STATE, &state))
		return false;
	front->counters->intx = state.intx;
	front->counters->msi = state.msi;
	front->counters->msix = state.msix;
	return state.flags & UVF_VFIO_STATE_OPEN;
}
