// Says which coopseg it was compiled for and which one it runs with, once that has found libtorch.
#include <coopseg/coopseg.h>

#include <iostream>

int main()
{
    if (coopseg_abi_version() != COOPSEG_ABI_VERSION) {
        std::cerr << "header and library have different ABI versions\n";
        return 1;
    }
    if (const coopseg_status status = coopseg_load_libtorch(nullptr); status != COOPSEG_OK) {
        std::cerr << coopseg_status_name(status) << '\n';
        return 1;
    }
    std::cout << coopseg_version() << '\n';
}
