namespace RobustTrain.SampleData;

/// <summary>A picture in the making. The camera may be shifted against the scene by parts of a pixel.</summary>
internal sealed class Canvas(int width, int height, float shiftX, float shiftY)
{
    public delegate Rgb Paint(Rgb below, float x, float y, float along, float across);

    public int Width => width;

    public Rgb[] Pixels { get; } = new Rgb[width * height];

    /// <summary>Paints every pixel whose centre lies in a rectangle.</summary>
    public void Fill(Rectangle rectangle, Paint paint)
    {
        (float sin, float cos) = MathF.SinCos(rectangle.Angle);
        float radius = rectangle.Radius + 1;
        int left = Math.Max(0, (int)(rectangle.X - shiftX - radius));
        int right = Math.Min(width - 1, (int)(rectangle.X - shiftX + radius));
        int top = Math.Max(0, (int)(rectangle.Y - shiftY - radius));
        int bottom = Math.Min(height - 1, (int)(rectangle.Y - shiftY + radius));
        for (int row = top; row <= bottom; row++)
        {
            float y = row + shiftY;
            float dy = y - rectangle.Y;
            for (int column = left; column <= right; column++)
            {
                float x = column + shiftX;
                float dx = x - rectangle.X;
                float along = (dx * cos) + (dy * sin);
                float across = (dy * cos) - (dx * sin);
                if (MathF.Abs(along) <= rectangle.HalfLength && MathF.Abs(across) <= rectangle.HalfWidth)
                {
                    ref Rgb pixel = ref Pixels[(row * width) + column];
                    pixel = paint(pixel, x, y, along, across);
                }
            }
        }
    }

    /// <summary>Marks every pixel whose centre lies in a rectangle.</summary>
    public void Mark(Rectangle rectangle, bool[] mask) =>
        MarkShifted(rectangle, 0, 0, mask);

    /// <summary>Marks what a rectangle covers when it is moved.</summary>
    public void MarkShifted(Rectangle rectangle, float moveX, float moveY, bool[] mask)
    {
        Rectangle moved = rectangle with { X = rectangle.X + moveX, Y = rectangle.Y + moveY };
        (float sin, float cos) = MathF.SinCos(moved.Angle);
        float radius = moved.Radius + 1;
        int left = Math.Max(0, (int)(moved.X - shiftX - radius));
        int right = Math.Min(width - 1, (int)(moved.X - shiftX + radius));
        int top = Math.Max(0, (int)(moved.Y - shiftY - radius));
        int bottom = Math.Min(height - 1, (int)(moved.Y - shiftY + radius));
        for (int row = top; row <= bottom; row++)
        {
            float dy = row + shiftY - moved.Y;
            for (int column = left; column <= right; column++)
            {
                float dx = column + shiftX - moved.X;
                if (MathF.Abs((dx * cos) + (dy * sin)) <= moved.HalfLength && MathF.Abs((dy * cos) - (dx * sin)) <= moved.HalfWidth)
                    mask[(row * width) + column] = true;
            }
        }
    }
}

/// <summary>A rectangle turned by an angle, in pixels of the scene.</summary>
/// <param name="X">The centre's column.</param>
/// <param name="Y">The centre's row.</param>
/// <param name="HalfLength">Half the side along the angle.</param>
/// <param name="HalfWidth">Half the other side.</param>
/// <param name="Angle">In radians.</param>
internal readonly record struct Rectangle(float X, float Y, float HalfLength, float HalfWidth, float Angle)
{
    public float Radius => MathF.Sqrt((HalfLength * HalfLength) + (HalfWidth * HalfWidth));

    /// <summary>A point's coordinates along and across the rectangle, from its centre.</summary>
    public (float Along, float Across) Local(float x, float y)
    {
        (float sin, float cos) = MathF.SinCos(Angle);
        float dx = x - X;
        float dy = y - Y;
        return ((dx * cos) + (dy * sin), (dy * cos) - (dx * sin));
    }

    /// <summary>The point of the scene at coordinates along and across.</summary>
    public (float X, float Y) Place(float along, float across)
    {
        (float sin, float cos) = MathF.SinCos(Angle);
        return (X + (along * cos) - (across * sin), Y + (along * sin) + (across * cos));
    }

    public bool IsNear(Rectangle other, float gap)
    {
        float dx = X - other.X;
        float dy = Y - other.Y;
        float least = Radius + other.Radius + gap;
        return (dx * dx) + (dy * dy) < least * least;
    }
}

/// <summary>A colour, 0 to 255 a channel, beyond which it is cut off when it is written.</summary>
internal readonly record struct Rgb(float Red, float Green, float Blue)
{
    public static Rgb operator *(Rgb colour, float factor) => new(colour.Red * factor, colour.Green * factor, colour.Blue * factor);

    public static Rgb operator +(Rgb colour, float value) => new(colour.Red + value, colour.Green + value, colour.Blue + value);

    public static Rgb Mix(Rgb first, Rgb second, float share) => new(
        first.Red + ((second.Red - first.Red) * share),
        first.Green + ((second.Green - first.Green) * share),
        first.Blue + ((second.Blue - first.Blue) * share));
}
