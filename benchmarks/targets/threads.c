/* threads COUNT [HEARTBEAT]
 *
 * So many threads besides the first, all of them asleep.
 */
#include "target.h"

static void *idle(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}

int main(int count, char **values)
{
    for (unsigned long left = argument(count, values, 1); left > 0; left--)
        start_thread(idle, 64 << 10);
    serve(argument(count, values, 2) != 0);
}
