namespace RobustTrain.Platform;

/// <summary>Numbers of things, in sentences.</summary>
public static class Counted
{
    /// <summary>A number and its noun: 1 epoch, 2 epochs.</summary>
    public static string Of(long number, string noun) => Of(number, noun, noun + "s");

    /// <summary>A number and what follows it, by whether it is 1: 1 worker has, 2 workers have.</summary>
    public static string Of(long number, string one, string many) => FormattableString.Invariant($"{number} {(number == 1 ? one : many)}");

    /// <summary>A number of things with its verb: 1 epoch is, 2 epochs are.</summary>
    public static string Are(long number, string noun) => Of(number, noun + " is", noun + "s are");
}
