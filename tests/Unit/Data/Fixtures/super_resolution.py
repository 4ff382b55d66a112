"""Computes the values that super-resolution is tested against, by NumPy and torch; run it with Debian's python3 in this folder.

The images are those of SuperResolutionReference.Pattern. Reductions: MATLAB's imresize as its documentation defines it (the cubic kernel
widened by the factor, edges mirrored); area, bilinear and bicubic by torch's interpolate. PSNR and SSIM as BasicSR computes them.
"""
import json

import numpy as np
import torch

WIDTH, HEIGHT = 48, 36


def pattern(shift):
    c, y, x = np.mgrid[0:3, 0:HEIGHT, 0:WIDTH]
    return ((x * 37 + y * 91 + c * 53 + (x * y) % 23 * 7 + shift * ((x + y * 3 + c) % 5)) % 256).astype(np.float64)


def cubic(x):
    x = np.abs(x)
    return np.where(x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, np.where(x <= 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0))


def imresize_matrix(length, out):
    scale = out / length
    widening = max(1, 1 / scale)
    matrix = np.zeros((out, length))
    for i in range(out):
        centre = (i + 0.5) / scale - 0.5
        places = np.arange(int(np.floor(centre - 2 * widening)), int(np.ceil(centre + 2 * widening)) + 1)
        weights = cubic((centre - places) / widening)
        weights /= weights.sum()
        for place, weight in zip(places, weights):
            around = place % (2 * length)
            matrix[i, around if around < length else 2 * length - 1 - around] += weight
    return matrix


def imresize(image, height, width):
    return np.einsum('ij,cjk,lk->cil', imresize_matrix(image.shape[1], height), image, imresize_matrix(image.shape[2], width))


def interpolate(image, height, width, mode):
    options = {} if mode == 'area' else {'align_corners': False}
    return torch.nn.functional.interpolate(torch.from_numpy(image)[None], size=(height, width), mode=mode, **options)[0].numpy()


def brightness(image):
    return 16 + (65.481 * image[0] + 128.553 * image[1] + 24.966 * image[2]) / 255


def psnr(a, b):
    return float(10 * np.log10(255**2 / np.mean((a - b) ** 2)))


def ssim(a, b):
    axis = np.arange(11) - 5
    line = np.exp(-axis**2 / (2 * 1.5**2))
    window = np.outer(line, line)
    window /= window.sum()

    def mean(values):
        views = np.lib.stride_tricks.sliding_window_view(values, (11, 11))
        return np.einsum('yxij,ij->yx', views, window)

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    m1, m2 = mean(a), mean(b)
    v1, v2, v12 = mean(a * a) - m1**2, mean(b * b) - m2**2, mean(a * b) - m1 * m2
    return float(np.mean((2 * m1 * m2 + c1) * (2 * v12 + c2) / ((m1**2 + m2**2 + c1) * (v1 + v2 + c2))))


def bessel_j1(x):
    t = np.linspace(0, np.pi, 4001)
    return np.trapz(np.cos(t - x * np.sin(t)), t) / np.pi


def sinc_kernel(side, cutoff):
    middle = side // 2
    values = np.array([[cutoff**2 / (4 * np.pi) if (r, c) == (middle, middle) else cutoff * bessel_j1(cutoff * np.hypot(r - middle, c - middle)) / (2 * np.pi * np.hypot(r - middle, c - middle))
                        for c in range(side)] for r in range(side)])
    return values / values.sum()


def gaussian_kernel(side, sigma_x, sigma_y, angle, beta, plateau):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inverse = np.linalg.inv(turn @ np.diag([sigma_x**2, sigma_y**2]) @ turn.T)
    axis = np.arange(side) - side // 2
    grid = np.stack(np.meshgrid(axis, axis), -1)
    form = np.einsum('yxi,ij,yxj->yx', grid, inverse, grid) ** beta
    values = 1 / (1 + form) if plateau else np.exp(-0.5 * form)
    return values / values.sum()


def flat(values):
    return [round(float(value), 7) for value in np.asarray(values).ravel()]


first, second = pattern(0), pattern(11)
border = 2
a, b = first[:, border:-border, border:-border], second[:, border:-border, border:-border]
result = {
    'imresize_half': flat(imresize(first, HEIGHT // 2, WIDTH // 2)),
    'imresize_third': flat(imresize(first, HEIGHT // 3, WIDTH // 3)),
    'imresize_double': flat(imresize(first[:1, :8, :8], 16, 16)),
    'area': flat(interpolate(first[:1], 13, 31, 'area')),
    'bilinear': flat(interpolate(first[:1], 13, 31, 'bilinear')),
    'bicubic': flat(interpolate(first[:1], 13, 31, 'bicubic')),
    'psnr': psnr(a, b),
    'psnr_y': psnr(brightness(a), brightness(b)),
    'ssim': float(np.mean([ssim(a[c], b[c]) for c in range(3)])),
    'ssim_y': ssim(brightness(a), brightness(b)),
    'sinc': flat(sinc_kernel(9, 1.7)),
    'gaussian': flat(gaussian_kernel(9, 2.1, 0.8, 0.6, 1, False)),
    'generalised': flat(gaussian_kernel(7, 1.5, 1.5, 0, 0.7, False)),
    'plateau': flat(gaussian_kernel(9, 2.1, 0.8, -1.1, 1.6, True)),
}
with open('super_resolution.json', 'w') as file:
    json.dump(result, file, indent=None)
    file.write('\n')
