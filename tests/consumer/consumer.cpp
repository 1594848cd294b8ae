// Says which coopseg it was compiled for and which one it runs with.
#include <coopseg/coopseg.h>

#include <iostream>

int main()
{
    if (coopseg_abi_version() != COOPSEG_ABI_VERSION) {
        std::cerr << "header and library have different ABI versions\n";
        return 1;
    }
    std::cout << coopseg_version() << '\n';
}
