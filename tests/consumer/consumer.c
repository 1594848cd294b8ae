/* Says which coopseg it was compiled for and which one it runs with, once that has found libtorch. */
#include <coopseg/coopseg.h>

#include <stdio.h>

int main(void)
{
    char message[2048];
    coopseg_status status;
    if (coopseg_abi_version() != COOPSEG_ABI_VERSION) {
        fprintf(stderr, "header and library have different ABI versions\n");
        return 1;
    }
    status = coopseg_load_libtorch(NULL);
    if (status != COOPSEG_OK) {
        coopseg_last_error(message, sizeof message, NULL);
        fprintf(stderr, "%s: %s\n", coopseg_status_name(status), message);
        return 1;
    }
    puts(coopseg_version());
    return 0;
}
