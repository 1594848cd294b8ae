// Says with which coopseg it runs. Given a folder, it writes synthetic subjects there, for the examples.
#include <coopseg/coopseg.hpp>

#include <iostream>

int main(int argc, char **argv)
{
    try {
        if (!coopseg::abi_fits()) {
            throw std::runtime_error("header and library have different ABI versions");
        }
        if (argc > 1) {
            coopseg::Dataset::synthetic(R"({"subjects": 6, "slices": 2, "size": [64, 48]})").write(argv[1]);
        }
        std::cout << coopseg::version() << '\n';
        return 0;
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
