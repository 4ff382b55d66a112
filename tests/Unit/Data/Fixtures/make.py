"""Makes the image fixtures with Pillow; run it with Debian's python3 in this folder."""
import numpy as np
from PIL import Image

y, x = np.mgrid[0:24, 0:32]
rgb = np.stack([x * 8 % 256, y * 10 % 256, (x + y) * 4 % 256], -1).astype(np.uint8)
colour = Image.fromarray(rgb)
mask = Image.fromarray(rgb[..., 0] > 128).convert('1')

colour.save('rgb.jpg', quality=95, subsampling=0)
colour.convert('L').save('grey.jpg', quality=95)
colour.convert('CMYK').save('cmyk.jpg')
np.array(Image.open('rgb.jpg')).tofile('rgb.jpg.rgb')
np.array(Image.open('grey.jpg')).tofile('grey.jpg.grey')

colour.save('rgb.png')
colour.convert('L').save('grey.png')
mask.save('mask1bit.png')
indexed = Image.fromarray((x % 4).astype(np.uint8), 'P')
indexed.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255] + [9] * (252 * 3))
indexed.save('palette.png', bits=8)
colour.convert('RGBA').save('alpha.png')
Image.fromarray((x * 1000).astype(np.uint16)).save('deep.png')

colour.save('rgb.bmp')
colour.convert('L').save('grey.bmp')
colour.convert('P', palette=Image.ADAPTIVE, colors=16).save('palette.bmp')
np.array(Image.open('palette.bmp').convert('RGB')).tofile('palette.bmp.rgb')
colour.convert('RGBA').save('rgba32.bmp')
mask.save('mask1bit.bmp')
