using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Configuration;

public sealed class ConfigurationPresetTests
{
    [Fact]
    public void A_preset_holds_where_nothing_is_given() =>
        Assert.Equal(("tea", 80), Read("drink: tea"));

    [Fact]
    public void The_file_and_settings_win_over_a_preset()
    {
        Assert.Equal(("tea", 60), Read("drink: tea\nheat: {celsius: 60}"));
        Assert.Equal(("tea", 70), Read("drink: tea", "heat.celsius=70"));
        Assert.Equal(("tea", 75), Read("drink: tea", "heat.degrees=75"));
    }

    [Fact]
    public void Without_a_preset_the_keys_own_default_holds() => Assert.Equal(("water", 10), Read(""));

    [Fact]
    public void A_conflict_with_a_preset_names_it()
    {
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => Read("drink: tea\nmost: 50"));

        Assert.Equal("ConfigurationInconsistent", refused.ErrorId);
        Assert.Equal("the default heat.celsius=80: 80 is more than 'most', 50.", refused.Message);
    }

    [Theory]
    [InlineData("model.name", "resnet", "ConfigurationNotAllowed")]
    [InlineData("task", "cooking", "ConfigurationNotAllowed")]
    public void A_name_of_no_task_is_refused(string key, string name, string errorId) =>
        Assert.Equal(errorId, Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read<TrainingConfig>(null, ["data.path=/data", $"{key}={name}"])).ErrorId);

    private static (string Drink, int Celsius) Read(string yaml, params string[] settings)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, yaml);
            Meal meal = ConfigurationReader.Read<Meal>(file, settings);
            return (meal.Drink, meal.Heat.Celsius);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private sealed record Meal : IPresetConfiguration, IValidatableObject
    {
        [Description("What is drunk.")]
        public string Drink { get; init; } = "water";

        [Description("The most degrees.")]
        public int Most { get; init; } = 100;

        [Description("The heat.")]
        public Heat Heat { get; init; } = new();

        public IEnumerable<string> Presets => Drink == "tea" ? ["heat.celsius=80"] : [];

        public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
            Heat.Celsius > Most ? [new ValidationResult($"{Heat.Celsius} is more than 'most', {Most}.", ["heat.celsius"])] : [];
    }

    private sealed record Heat
    {
        [Description("Degrees.")]
        [ConfigurationAlias("degrees")]
        public int Celsius { get; init; } = 10;
    }
}
