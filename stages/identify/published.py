"""Widely copied normalization constants, each as its source writes it.

Red, green, blue, or one number for gray. In units of [0, 1] pixel fractions, or of levels 0..255
where a number is above 1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """The constants of a dataset as `source` has them, and their `definition` if it is known."""

    dataset: str
    source: str
    mean: str = ""
    std: str = ""
    definition: str = ""


PUBLISHED = (
    Published(
        dataset="no dataset (pixels stay as they are)",
        mean="0.0 0.0 0.0",
        std="1.0 1.0 1.0",
        definition="pixels stay as they are; from no data",
        source="https://paddlepaddle.org.cn/documentation/docs/en/api/paddle/vision/transforms/Normalize_en.html",
    ),
    Published(
        dataset="no dataset (scaling to [-1, 1])",
        mean="0.5 0.5 0.5",
        std="0.5 0.5 0.5",
        definition="0 becomes -1 and 1 stays 1; from no data",
        source="https://github.com/pytorch/vision/blob/0446e68eac/torchvision/transforms/_presets.py",
    ),
    Published(
        dataset="no dataset (pixels stay as they are)",
        mean="0.0",
        std="1.0",
        definition="pixels stay as they are; from no data",
        source="https://paddlepaddle.org.cn/documentation/docs/en/api/paddle/vision/transforms/Normalize_en.html",
    ),
    Published(
        dataset="no dataset (scaling to [-1, 1])",
        mean="0.5",
        std="0.5",
        definition="0 becomes -1 and 1 stays 1; from no data",
        source="https://github.com/udacity/deep-learning-v2-pytorch/issues/10",
    ),
    Published(
        dataset="ImageNet",
        mean="0.485 0.456 0.406",
        std="0.229 0.224 0.225",
        definition="probably means of the means and of the stds (ddof 1) of some train images, "
        "resized to 256 and cropped to 224; which images is not known any more",
        source="https://github.com/pytorch/vision/pull/1965",
    ),
    Published(
        dataset="ImageNet, for VGG",
        mean="123.68 116.779 103.939",
        source="https://github.com/tensorflow/models/blob/0231a2e00f/research/slim/preprocessing/vgg_preprocessing.py",
    ),
    Published(
        dataset="OpenAI CLIP",
        mean="0.48145466 0.4578275 0.40821073",
        std="0.26862954 0.26130258 0.27577711",
        source="https://github.com/openai/CLIP/blob/0848ed71e5/clip/clip.py",
    ),
    Published(
        dataset="CIFAR-10",
        mean="0.4914 0.4822 0.4465",
        std="0.2470 0.2435 0.2616",
        definition="over all train pixels",
        source="https://github.com/KellerJordan/cifar10-airbench/blob/01a2367af6/airbench94.py",
    ),
    Published(
        dataset="CIFAR-10",
        std="0.2023 0.1994 0.2010",
        definition="mean of the train images' stds (ddof 1)",
        source="https://github.com/kuangliu/pytorch-cifar/issues/16",
    ),
    Published(
        dataset="CIFAR-10",
        mean="125.3 123.0 113.9",
        std="63.0 62.1 66.7",
        definition="over all train pixels",
        source="https://github.com/Lightning-Universe/lightning-bolts/blob/0df73ecaa6/src/pl_bolts/transforms/dataset_normalizations.py",
    ),
    Published(
        dataset="CIFAR-10",
        mean="0.491 0.482 0.447",
        std="0.247 0.243 0.261",
        definition="over all train pixels; the std cut off after three decimals, not rounded",
        source="https://github.com/fastai/fastai/blob/0454367fc4/fastai/vision/core.py",
    ),
    Published(
        dataset="CIFAR-100",
        mean="0.5071 0.4867 0.4408",
        std="0.2675 0.2565 0.2761",
        source="https://github.com/kekmodel/FixMatch-pytorch/blob/05b30e581a/dataset/cifar.py",
    ),
    Published(
        dataset="CIFAR-100",
        mean="0.50707516 0.48654887 0.44091784",
        std="0.26733429 0.25643846 0.27615047",
        definition="over all train pixels",
        source="https://github.com/sharc-lab/Rapid-INR/blob/d6e04514db/mean_std.py",
    ),
    Published(
        dataset="CIFAR-100",
        std="0.2009 0.1984 0.2023",
        source="https://github.com/KarhouTam/FL-bench/blob/478838d058/data/utils/constants.py",
    ),
    Published(
        dataset="CINIC-10",
        mean="0.47889522 0.47227842 0.43047404",
        std="0.24205776 0.23828046 0.25874835",
        source="https://github.com/KarhouTam/FL-bench/blob/478838d058/data/utils/constants.py",
    ),
    Published(
        dataset="SVHN",
        mean="0.4377 0.4438 0.4728",
        std="0.1980 0.2010 0.1970",
        source="https://github.com/VICO-UoE/DatasetCondensation/blob/131a5a56f0/utils.py",
    ),
    Published(
        dataset="SVHN",
        std="0.1201 0.1231 0.1052",
        source="https://github.com/KarhouTam/FL-bench/blob/478838d058/data/utils/constants.py",
    ),
    Published(
        dataset="SVHN",
        mean="109.9 109.7 113.8",
        std="50.1 50.6 50.8",
        source="https://github.com/uoguelph-mlrg/Cutout/blob/02f333a4e4/train.py",
    ),
    Published(
        dataset="STL-10",
        mean="0.4469 0.4400 0.4069",
        std="0.2603 0.2566 0.2713",
        definition="labelled train split",
        source="https://github.com/loeweX/Greedy_InfoMax/blob/5a25fb2071/GreedyInfoMax/vision/data/get_dataloader.py",
    ),
    Published(
        dataset="STL-10",
        mean="0.4313 0.4156 0.3663",
        std="0.2683 0.2610 0.2687",
        definition="train and unlabelled splits",
        source="https://github.com/loeweX/Greedy_InfoMax/blob/5a25fb2071/GreedyInfoMax/vision/data/get_dataloader.py",
    ),
    Published(
        dataset="STL-10",
        mean="112.4 109.1 98.6",
        std="68.4 66.6 68.5",
        source="https://github.com/microsoft/Semi-supervised-learning/blob/1d8119bca4/semilearn/datasets/cv_datasets/stl10.py",
    ),
    Published(
        dataset="Tiny ImageNet",
        mean="0.4802 0.4481 0.3975",
        std="0.2302 0.2265 0.2262",
        source="https://github.com/tjmoon0104/pytorch-tiny-imagenet/blob/914166d0bd/notebook/ResNet18_224.ipynb",
    ),
    Published(
        dataset="Tiny ImageNet",
        mean="0.4802 0.4480 0.3975",
        std="0.2770 0.2691 0.2821",
        source="https://github.com/aimagelab/mammoth/blob/0529fb3fb1/datasets/seq_tinyimagenet.py",
    ),
    Published(
        dataset="MNIST",
        mean="0.1307",
        std="0.3081",
        source="https://github.com/pytorch/examples/issues/653",
    ),
    Published(
        dataset="MNIST, its one channel three times",
        mean="0.1307 0.1307 0.1307",
        std="0.3081 0.3081 0.3081",
        source="https://github.com/pytorch/examples/issues/653",
    ),
    Published(
        dataset="Fashion-MNIST",
        mean="0.2860",
        std="0.3530",
        definition="over all train pixels",
        source="https://github.com/keon/3-min-pytorch/issues/26",
    ),
    Published(
        dataset="Fashion-MNIST, its one channel three times",
        mean="0.2860 0.2860 0.2860",
        std="0.3530 0.3530 0.3530",
        definition="over all train pixels",
        source="https://github.com/keon/3-min-pytorch/issues/26",
    ),
    Published(
        dataset="Kinetics-400",
        mean="0.43216 0.394666 0.37645",
        std="0.22803 0.22145 0.216989",
        source="https://github.com/pytorch/vision/blob/00542d9548/docs/source/models.rst",
    ),
    Published(
        dataset="video, for PySlowFast",
        mean="0.45 0.45 0.45",
        std="0.225 0.225 0.225",
        source="https://github.com/facebookresearch/SlowFast/blob/00eb2b4c2f/slowfast/config/defaults.py",
    ),
)
