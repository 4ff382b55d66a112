using SkiaSharp;

namespace RobustTrain.Bench.Epoch;

/// <summary>Pairs of PNG tiles, cut out of the sample data's scenes: what both sides load.</summary>
internal static class Tiles
{
    private const int Side = 256;

    public static void Cut(string scenes, string target, int count)
    {
        (string Image, string Folder)[] files = [("im1.bmp", "A"), ("im2.bmp", "B"), ("gt.bmp", "label")];
        foreach ((_, string folder) in files)
            Directory.CreateDirectory(Path.Combine(target, folder));
        string[] places = [.. Directory.EnumerateFiles(scenes, "im1.bmp", SearchOption.AllDirectories).Select(file => Path.GetDirectoryName(file)!).Order(StringComparer.Ordinal)];
        Random random = new(0);
        for (int tile = 0; tile < count; tile++)
        {
            string place = places[tile % places.Length];
            int? left = null, top = null;
            foreach ((string image, string folder) in files)
            {
                using SKBitmap whole = SKBitmap.Decode(Path.Combine(place, image));
                left ??= random.Next(whole.Width - Side);
                top ??= random.Next(whole.Height - Side);
                using SKBitmap cut = new(new SKImageInfo(Side, Side, folder == "label" ? SKColorType.Gray8 : SKColorType.Rgb888x));
                using (SKCanvas canvas = new(cut))
                    canvas.DrawBitmap(whole, SKRect.Create(left.Value, top.Value, Side, Side), SKRect.Create(Side, Side));
                using FileStream file = File.Create(Path.Combine(target, folder, $"train_{tile:D4}.png"));
                cut.Encode(file, SKEncodedImageFormat.Png, 100);
            }

            // A training also has to have something to validate and to test on.
            foreach ((_, string folder) in files)
            {
                if (tile == 0)
                {
                    File.Copy(Path.Combine(target, folder, "train_0000.png"), Path.Combine(target, folder, "val_0.png"));
                    File.Copy(Path.Combine(target, folder, "train_0000.png"), Path.Combine(target, folder, "test_0.png"));
                }
            }
        }
    }
}
