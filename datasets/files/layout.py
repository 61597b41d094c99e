"""Where published files lie below the data root, with their checksums where these are known. Needs no torch."""

MNIST = {
    "mnist/train-images-idx3-ubyte.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "mnist/train-labels-idx1-ubyte.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
    "mnist/t10k-images-idx3-ubyte.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
    "mnist/t10k-labels-idx1-ubyte.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
}
MNIST_M_LABELS = {split: f"mnist_m/mnist_m_{split}_labels.txt" for split in ("train", "test")}
MNIST_M_ARCHIVES = {
    "mnist_m/mnist_m.tar.gz": "md5:859df31c91afe82e80e5012ba928f279",
    "mnist_m/mnist_m_first5000.tar.gz": (
        "sha256:49cbfb29ffb97a39b4c0499a09b4a7c90215d5cd8a544f1c256b0288c909c4c8"
    ),
}
USPS = {"usps/usps.h5": "sha256:734f88c541104a956d88be2c95d03b4a463ffd74ccc2ba9c80841fb98e3fcb36"}
SVHN = {
    "svhn/train_32x32.mat": "md5:e26dedcc434d2e4c54c9b2d4a06d8373",
    "svhn/test_32x32.mat": "md5:eb5a983be6a315427106f1b164d9cef3",
}
BSDS500 = {split: f"bsds500/{split}/*.jpg" for split in ("train", "test")}
LINEMOD = {split: f"linemod/{split}/labels.csv" for split in ("source", "target_train", "target_test")}
