/* Says which coopseg it was compiled for and which one it runs with. */
#include <coopseg/coopseg.h>

#include <stdio.h>

int main(void)
{
    if (coopseg_abi_version() != COOPSEG_ABI_VERSION) {
        fprintf(stderr, "header and library have different ABI versions\n");
        return 1;
    }
    puts(coopseg_version());
    return 0;
}
