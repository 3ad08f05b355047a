/** A thin library beside nationalsite's stubs: channels, error details, money. */
package nationalsite.client;
